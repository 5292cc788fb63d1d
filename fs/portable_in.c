/* Objects of JSON as Apps. */
#include "portable.h"

#include "core/clock.h"

#include <string.h>

/* Reading goes on after something was wrong, and the first thing that was is told. */
struct reading {
    json_t *object;
    struct cf_fault *fault;
    enum cf_error error;
};

static void wrong(struct reading *reading, const char *name, const char *what)
{
    if (reading->error != CF_OK)
        return;
    reading->error = CF_EVALUE;
    cf_fault_set(reading->fault, "\"%s\": %s", name, what);
}

/* Are there no members but these? words: separated by blanks. The name of one that is unknown may be anything, even a
 * value that slipped: it is not told. */
static void expect(struct reading *reading, const char *words)
{
    const char *name;
    json_t *value;

    json_object_foreach(reading->object, name, value)
    {
        const char *cursor = words, *end = words + strlen(words), *word;
        size_t len;
        while ((word = cf_word_next(&cursor, end, &len)) != NULL)
            if (strlen(name) == len && memcmp(name, word, len) == 0)
                break;
        if (!word && reading->error == CF_OK) {
            reading->error = CF_EVALUE;
            cf_fault_set(reading->fault, "an unknown member: there can be: %s", words);
        }
    }
}

static const char *get_text(struct reading *reading, const char *name)
{
    const char *text = json_string_value(json_object_get(reading->object, name));

    if (!text)
        wrong(reading, name, "a string is wanted");
    return text ? text : "";
}

/* How large numbers can be that are no user's is for core to say (cf_parcel_check). */
static int64_t get_number(struct reading *reading, const char *name, int64_t most)
{
    const json_t *value = json_object_get(reading->object, name);
    const int64_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < 0 || number > most)
        wrong(reading, name, "a whole number is wanted, in range");
    return number;
}

/* The number past the last one means nobody. */
static uint32_t get_user(struct reading *reading, const char *name)
{
    return (uint32_t)get_number(reading, name, UINT32_MAX - 1);
}

static bool get_bool(struct reading *reading, const char *name)
{
    const json_t *value = json_object_get(reading->object, name);

    if (!json_is_boolean(value))
        wrong(reading, name, "true or false is wanted");
    return json_is_true(value);
}

static int64_t get_time(struct reading *reading, const char *name)
{
    const json_t *value = json_object_get(reading->object, name);
    int64_t time = 0;

    if (json_is_null(value))
        return 0;
    if (!json_is_string(value) || !cf_time_parse(json_string_value(value), json_string_length(value), &time))
        wrong(reading, name, "a time is wanted (RFC 3339), or null");
    return time;
}

static json_t *get_list(struct reading *reading, const char *name)
{
    json_t *value = json_object_get(reading->object, name);

    if (!json_is_array(value))
        wrong(reading, name, "a list is wanted");
    return value;
}

/* A member of a list, to be read as an object. */
static struct reading get_item(struct reading *reading, json_t *list, size_t at, const char *name)
{
    json_t *item = json_array_get(list, at);

    if (!json_is_object(item))
        wrong(reading, name, "an object is wanted");
    return (struct reading){.object = item, .fault = reading->fault, .error = reading->error};
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* arg: the list of versions. */
static enum cf_error version_value(void *arg, size_t at, enum cf_field field, struct cf_secret **out)
{
    const json_t *value = json_object_get(json_array_get(arg, at), cf_field_word(field));
    const size_t len = json_string_length(value);

    *out = NULL;
    if (len > CF_VALUE_MAX)
        return CF_ETOOBIG;
    *out = cf_secret_copy(json_string_value(value), len);
    return *out ? CF_OK : CF_ENOMEM;
}

static unsigned get_fields(struct reading *reading)
{
    unsigned fields = 0;

    for (int field = 0; field < CF_FIELD_COUNT; field++) {
        const char *name = cf_field_word((enum cf_field)field);
        const json_t *value = json_object_get(reading->object, name);
        if (value && !json_is_string(value))
            wrong(reading, name, "a string is wanted");
        fields |= value ? 1U << field : 0;
    }
    return fields;
}

/* --- the parts of an App ------------------------------------------------------------------------------------------ */

#define FIELDS "key secret token username password"

static void get_versions(struct reading *reading, struct cf_parcel *parcel)
{
    json_t *list = get_list(reading, "versions");

    if (json_array_size(list) > CF_VERSIONS_MOST)
        wrong(reading, "versions", "too many");
    for (size_t i = 0; reading->error == CF_OK && i < json_array_size(list); i++) {
        struct reading one = get_item(reading, list, i, "versions");
        expect(&one, "number created created_by deadline revoked " FIELDS);
        parcel->versions[i] = (struct cf_version){.number = get_number(&one, "number", INT64_MAX),
                                                  .created = get_time(&one, "created"),
                                                  .created_by = get_user(&one, "created_by"),
                                                  .deadline = get_time(&one, "deadline"),
                                                  .revoked = get_bool(&one, "revoked"),
                                                  .fields = get_fields(&one)};
        parcel->version_count = i + 1;
        reading->error = one.error;
    }
    parcel->value = version_value;
    parcel->arg = list;
}

static void get_apis(struct reading *reading, struct cf_parcel *parcel)
{
    json_t *list = get_list(reading, "apis");

    for (size_t i = 0; reading->error == CF_OK && i < json_array_size(list); i++) {
        struct reading one = get_item(reading, list, i, "apis");
        struct cf_assignment api = {0};
        const char *slug = get_text(&one, "slug");
        expect(&one, "slug since by");
        if (!cf_slug_valid(slug, strlen(slug)))
            wrong(&one, "slug", "not a valid one");
        else
            memcpy(api.slug, slug, strlen(slug) + 1);
        api.since = get_time(&one, "since");
        api.by = get_user(&one, "by");
        if (one.error == CF_OK && !cf_parcel_add_api(parcel, &api))
            one.error = CF_ENOMEM;
        reading->error = one.error;
    }
}

static void get_grants(struct reading *reading, const char *name, struct cf_grants *grants)
{
    json_t *list = get_list(reading, name);

    for (size_t i = 0; reading->error == CF_OK && i < json_array_size(list); i++) {
        struct reading one = get_item(reading, list, i, name);
        struct cf_grant grant = {.field = CF_NO_FIELD};
        const char *who = get_text(&one, "who");
        expect(&one, "who field since by");
        if (cf_principal_parse(who, strlen(who), &grant.who) != CF_OK)
            wrong(&one, "who", "user:NUMBER or group:NUMBER is wanted");
        if (!json_is_null(json_object_get(one.object, "field"))) {
            const char *field = get_text(&one, "field");
            grant.field = cf_field_find(field, strlen(field));
            if (grant.field == CF_NO_FIELD)
                wrong(&one, "field", "one of " FIELDS ", or null, is wanted");
        }
        grant.since = get_time(&one, "since");
        grant.by = get_user(&one, "by");
        if (one.error == CF_OK)
            one.error = cf_grants_add(grants, &grant);
        reading->error = one.error;
    }
}

static void get_notes(struct reading *reading, struct cf_parcel *parcel)
{
    json_t *notes = json_object_get(reading->object, "notes"), *value;
    const char *name;

    if (!json_is_object(notes))
        wrong(reading, "notes", "an object is wanted");
    json_object_foreach(notes, name, value)
    {
        if (!json_is_string(value))
            wrong(reading, "notes", "a string is wanted for each");
        else if (!cf_parcel_add_note(parcel, name, json_string_value(value)))
            reading->error = CF_ENOMEM;
    }
}

static void get_row(struct reading *reading, struct cf_app *app)
{
    const char *name = get_text(reading, "app"), *id = get_text(reading, "id"), *place = get_text(reading, "place");

    if (strlen(name) > CF_ENTRY_MAX)
        wrong(reading, "app", "not a valid App name");
    else
        memcpy(app->name, name, strlen(name) + 1);
    if (!cf_unhex(id, strlen(id), app->id, CF_ID_SIZE))
        wrong(reading, "id", "32 hexadecimal digits are wanted");
    app->place = strcmp(place, "trash") == 0 ? CF_IN_TRASH : CF_IN_APPS;
    if (app->place == CF_IN_APPS && strcmp(place, "apps") != 0)
        wrong(reading, "place", "apps or trash is wanted");
    app->disabled = get_bool(reading, "disabled");
    app->created = get_time(reading, "created");
    app->created_by = get_user(reading, "created_by");
    app->updated = get_time(reading, "updated");
    app->updated_by = get_user(reading, "updated_by");
    app->trashed = get_time(reading, "trashed");
    app->generation = get_number(reading, "generation", INT64_MAX);
    app->version = get_number(reading, "version", INT64_MAX);
    app->expires = get_time(reading, "expires");
}

enum cf_error portable_take_app(struct intake *intake, json_t *object, struct cf_fault *fault)
{
    struct reading reading = {.object = object, .fault = fault};
    struct cf_parcel parcel = {.is_whole = true, .has_apis = true};

    expect(&reading,
           "app id place disabled created created_by updated updated_by trashed generation version expires "
           "notes apis grants versions");
    get_row(&reading, &parcel.app);
    get_notes(&reading, &parcel);
    get_apis(&reading, &parcel);
    get_grants(&reading, "grants", &parcel.grants);
    get_versions(&reading, &parcel);
    if (reading.error == CF_OK)
        reading.error = intake->app(intake, &parcel, fault);
    cf_parcel_release(&parcel);
    return reading.error;
}

enum cf_error portable_take_assignees(struct intake *intake, json_t *object, struct cf_fault *fault)
{
    struct reading reading = {.object = object, .fault = fault};
    struct cf_grants list = {0};
    const char *slug = get_text(&reading, "assignees");

    expect(&reading, "assignees users");
    get_grants(&reading, "users", &list);
    if (reading.error == CF_OK)
        reading.error = intake->assignees(intake, slug, &list, fault);
    cf_grants_release(&list);
    return reading.error;
}

/* --- by hand ------------------------------------------------------------------------------------------------------ */

static void take_slugs(struct reading *reading, struct simple *simple)
{
    json_t *list = json_object_get(reading->object, "apis");

    if (!list)
        return;
    simple->parcel.has_apis = true;
    if (!json_is_array(list))
        wrong(reading, "apis", "a list is wanted");
    for (size_t i = 0; reading->error == CF_OK && i < json_array_size(list); i++) {
        const json_t *slug = json_array_get(list, i);
        if (!json_is_string(slug) || json_string_length(slug) == 0)
            wrong(reading, "apis", "a string is wanted for each");
        else
            reading->error = simple_api(simple, json_string_value(slug), json_string_length(slug), reading->fault);
    }
}

enum cf_error portable_take_simple(struct intake *intake, json_t *object, struct cf_fault *fault)
{
    struct reading reading = {.object = object, .fault = fault};
    struct simple simple = {0};
    const char *name = get_text(&reading, "name");
    const unsigned fields = get_fields(&reading);

    expect(&reading, "name apis " FIELDS);
    if (reading.error == CF_OK)
        reading.error = simple_start(&simple, name, strlen(name), fault);
    for (int field = 0; reading.error == CF_OK && field < CF_FIELD_COUNT; field++) {
        const json_t *value = json_object_get(object, cf_field_word((enum cf_field)field));
        if ((fields & 1U << field) != 0)
            simple_value(&simple, (enum cf_field)field, json_string_value(value), json_string_length(value));
    }
    if (reading.error == CF_OK)
        take_slugs(&reading, &simple);
    if (reading.error == CF_OK)
        reading.error = intake->app(intake, &simple.parcel, fault);
    cf_parcel_release(&simple.parcel);
    return reading.error;
}
