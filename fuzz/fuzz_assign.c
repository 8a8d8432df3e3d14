/*
 * Fuzz target: a user or a group of the Admin API, on the way to a number and into a PUT.
 * Whoever gets one has a name, and a number in range; what is PUT is what came, and one attribute.
 */
#include "daemon/assign_plan.h"
#include "daemon/config.h"
#include "daemon/locals.h"
#include "fuzz/target.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <string.h>
#include <systemd/sd-event.h>

static void ignore(void *userdata)
{
    (void)userdata;
}

static struct assign_rules begin(void)
{
    static const char text[] = "[realm]\nissuer = https://idp.example.org/realms/linux\n"
                               "client_id = linux-pam\nclient_auth = none\n"
                               "[groups]\nserve = /staff /teams/*\n";
    struct assign_rules rules;
    struct config *config;
    struct kc_bounds *bounds;
    struct locals *locals;
    struct kc_conf_error error;
    sd_event *event;
    FUZZ_MUST(config_parse(text, sizeof text - 1, &config, &error) == KC_OK);
    FUZZ_MUST(kc_bounds_parse("", 0, &bounds, &error) == KC_OK);
    FUZZ_MUST(sd_event_new(&event) >= 0);
    FUZZ_MUST(locals_new(event, "/dev/null", "/dev/null", ignore, NULL, &locals) == KC_OK);
    rules = (struct assign_rules){config, bounds, locals};
    return rules;
}

static void check_change(const struct json_object *object, const struct assign_item *item)
{
    static const char attribute[] = "uidNumber";
    JOSE_AUTO_JSON struct json_object *after = NULL;
    if (assign_change(object, item, attribute, &after) != KC_OK)
        return;
    FUZZ_MUST(assign_compare(after, after, item, attribute) == KC_OK);
    FUZZ_MUST(assign_compare(after, object, item, attribute) != KC_OK);
    json_object_object_del(json_object_object_get(after, "attributes"), attribute);
    if (!json_object_object_get(object, "attributes"))
        json_object_object_del(after, "attributes");
    FUZZ_MUST(json_object_equal(after, (struct json_object *)(uintptr_t)object) ||
              json_object_object_get(json_object_object_get(object, "attributes"), attribute));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct assign_rules rules;
    ASSIGN_PLAN_AUTO struct assign_plan plan = {0};
    JOSE_AUTO_JSON struct json_object *object = NULL;
    if (!rules.config)
        rules = begin();
    if (jose_json_parse_object(bytes, length, &jose_json_answer_limits, &object) != KC_OK)
        return 0;
    (void)assign_plan_user(&plan, &rules, object);
    (void)assign_plan_group(&plan, &rules, object);
    const enum kc_status status = assign_plan_choose(&plan, &rules);
    for (size_t i = 0; i < plan.count && status == KC_OK; i++) {
        FUZZ_MUST(*plan.items[i].label && kc_bounds_id(rules.bounds, plan.items[i].number));
        FUZZ_MUST(plan.items[i].is_group || !strpbrk(plan.items[i].label, " :/\n"));
        check_change(object, &plan.items[i]);
    }
    return 0;
}
