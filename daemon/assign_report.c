/*
 * What an ASSIGN has to say at its end.
 * Used by assign.c.
 * Must never hold more than one report.
 */
#include "daemon/assign_report.h"

#include "daemon/config.h"

#include <stdarg.h>
#include <stdio.h>

#define END_ROOM ((size_t)4096) /* kept free of lines about items */

/* Appends a line; false, and nothing, where it does not fit below `limit`. */
__attribute__((format(printf, 3, 4))) static bool add(
    struct assign_report *report, size_t limit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(
        report->text + report->length, limit - report->length, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= limit - report->length) {
        report->text[report->length] = '\0';
        return false;
    }
    report->length += (size_t)length;
    return true;
}

void assign_report_item(struct assign_report *report, const struct assign_item *item,
    const char *attribute, const char *why)
{
    if (!add(report, KC_REPORT_MAX - END_ROOM, "%s %s %s=%u%s%s\n",
            item->is_group ? "group" : "user", item->label, attribute, item->number,
            why ? " refused: " : "", why ? why : ""))
        report->left_out++;
}

/* What went wrong, in words, and what to change. */
static void add_failure(struct assign_report *report, const struct assign_result *result)
{
    const struct assign_item *item = result->item;
    const char *attribute = item && item->is_group ? result->config->directory.gid_attribute
                                                   : result->config->directory.uid_attribute;
    const char *label = item ? item->label : "";
    switch (result->status) {
    case KC_NOT_PERMITTED:
        (void)add(report, KC_REPORT_MAX,
            "%s: the realm has not kept %s. Declare it in Realm settings > User profile, for\n"
            "administrators to view and edit, or set Unmanaged attributes there to \"Only\n"
            "administrators can write\".\n",
            label, attribute);
        break;
    case KC_NOT_AUTHORIZED:
        (void)add(report, KC_REPORT_MAX,
            "This administrator lacks the role manage-users of realm-management.\n");
        break;
    case KC_DIRECTORY_FORBIDDEN:
        (void)add(report, KC_REPORT_MAX,
            "The realm shows no user to this administrator: the role manage-users of\n"
            "realm-management is what it takes.\n");
        break;
    case KC_NO_ROOM:
        (void)add(report, KC_REPORT_MAX,
            "No number is left in the range of host.conf above those that are in use.\n");
        break;
    case KC_BUSY:
        (void)add(report, KC_REPORT_MAX,
            "%s%susers changed while they were looked at: try again when nobody else makes or\n"
            "numbers users.\n",
            label, *label ? ": " : "");
        break;
    case KC_HTTP_BAD_REQUEST:
        (void)add(report, KC_REPORT_MAX, "Too many were refused; nothing more was tried.\n");
        break;
    case KC_ANSWER_MALFORMED:
        if (item)
            (void)add(report, KC_REPORT_MAX,
                "%s: the realm's answer differs in more than the number; nothing more was tried.\n",
                label);
        break;
    default:
        break;
    }
}

static void add_notes(struct assign_report *report, const struct assign_result *result)
{
    const struct assign_plan *plan = result->plan;
    if (report->left_out)
        (void)add(report, KC_REPORT_MAX, "... and %zu more\n", report->left_out);
    if (plan->no_gid > 0 && !result->config->directory.primary_group)
        (void)add(report, KC_REPORT_MAX,
            "%zu users have no %s, and no primary_group is configured: they have no entry on this\n"
            "host until one of the two is there. A number of their own is not given: set\n"
            "primary_group in kclogin.conf, or the attribute by hand.\n",
            plan->no_gid, result->config->directory.gid_attribute);
    if (plan->local + plan->no_name > 0)
        (void)add(report, KC_REPORT_MAX,
            "%zu users are left out: %zu have a name of this host's own, %zu none that Linux has.\n",
            plan->local + plan->no_name, plan->local, plan->no_name);
}

void assign_report_end(struct assign_report *report, const struct assign_result *result)
{
    const struct assign_plan *plan = result->plan;
    if (!result->write && result->status == KC_OK)
        for (size_t i = 0; i < plan->count; i++)
            assign_report_item(report, &plan->items[i],
                plan->items[i].is_group ? result->config->directory.gid_attribute
                                        : result->config->directory.uid_attribute,
                NULL);
    add_notes(report, result);
    add_failure(report, result);
    if (result->status != KC_OK && *result->detail)
        (void)add(report, KC_REPORT_MAX, "The realm said: %s\n", result->detail);
    if (plan->users > 0)
        (void)add(report, KC_REPORT_MAX, "%zu users and %zu groups: %zu without a number, %zu written"
                                         "%s\n",
            plan->users, plan->groups, plan->count, result->written,
            !result->write && plan->count > 0 && result->status == KC_OK
                ? ". --write writes them."
                : "");
}
