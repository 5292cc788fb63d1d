#include "catalogue.h"
#include "ini.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of catalogue.ini and a NUL. The path is seen from the directory in which the compiler runs. */
__asm__(".pushsection .rodata\n"
        ".hidden cf_catalogue_builtin\n"
        ".global cf_catalogue_builtin\n"
        "cf_catalogue_builtin:\n"
        ".incbin \"core/catalogue.ini\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char cf_catalogue_builtin[] __attribute__((visibility("hidden")));

enum { VALUE_MAX = 512 }; /* bytes of a value with its continuation lines */

enum api_text { TITLE, KEY_PROCESS, METHOD, FIELDS, BASE_URL, ASSIGNMENT, STATUS, API_TEXTS };
enum method_text { TOKEN_URL, SENDS, METHOD_TEXTS };

struct method {
    struct cf_method seen; /* what the rest of credfs sees; points into the members below */
    char *name;
    char *texts[METHOD_TEXTS];
    size_t file; /* number of the file that defines it */
    bool is_complete;
};

struct api {
    struct cf_api seen;
    char *slug;
    char *texts[API_TEXTS];
    size_t file;
    bool is_complete;
};

struct cf_catalogue {
    struct api **order;  /* as in the files */
    struct api **sorted; /* the same, by slug */
    size_t count, size;
    struct method **methods;
    size_t method_count;
};

/* The reading of one file, in two passes: the first collects; the second, when all methods are known, asks at the
 * first line of each section whether it is complete, so that a message can name that line. */
struct loading {
    struct cf_catalogue *catalogue;
    size_t file;
    char reason[256];
};

/* --- values --- */

typedef const char *text_check(struct loading *loading, const char *value);

static const char *check_line(struct loading *loading, const char *value)
{
    (void)loading;
    return cf_line_valid(value, strlen(value), VALUE_MAX) ? NULL : "not one line of at most 512 bytes of UTF-8";
}

static const char *check_key_process(struct loading *loading, const char *value)
{
    if (strcmp(value, "console") == 0 || strcmp(value, "console+email") == 0)
        return NULL;
    snprintf(loading->reason, sizeof(loading->reason), "unknown key-process '%.60s': console, console+email",
             value);
    return loading->reason;
}

static const char *check_url(struct loading *loading, const char *value)
{
    const char *rest = strncmp(value, "https://", 8) == 0 ? value + 8 : NULL;
    if (rest == NULL && strncmp(value, "http://", 7) == 0)
        rest = value + 7;
    if (rest == NULL || *rest == '\0' || *rest == '/' || strpbrk(value, " \t") != NULL)
        return "not a URL: https://HOST/PATH";
    return check_line(loading, value);
}

static const char *check_status(struct loading *loading, const char *value)
{
    if (strcmp(value, "retired") == 0)
        return NULL;
    snprintf(loading->reason, sizeof(loading->reason), "unknown status '%.60s': retired", value);
    return loading->reason;
}

static const char *const field_words[] = {"token", "username", "password"};
enum { FIELD_WORDS = sizeof(field_words) / sizeof(field_words[0]) };

static size_t field_find(const char *word, size_t len)
{
    size_t i = 0;
    while (i < FIELD_WORDS && (strlen(field_words[i]) != len || memcmp(field_words[i], word, len) != 0))
        i++;
    return i;
}

static const char *check_fields(struct loading *loading, const char *value)
{
    bool given[FIELD_WORDS] = {false};
    const char *cursor = value, *end = value + strlen(value), *word;
    size_t len;
    while ((word = cf_word_next(&cursor, end, &len)) != NULL) {
        size_t i = field_find(word, len);
        if (i == FIELD_WORDS || given[i]) {
            snprintf(loading->reason, sizeof(loading->reason), "%s field '%.*s': token, username, password",
                     i == FIELD_WORDS ? "unknown" : "doubled", len > 60 ? 60 : (int)len, word);
            return loading->reason;
        }
        given[i] = true;
    }
    return NULL;
}

struct known_name {
    const char *name;
    text_check *check;
    bool is_required;
};

static const struct known_name api_names[API_TEXTS] = {
    [TITLE] = {"title", check_line, true},
    [KEY_PROCESS] = {"key-process", check_key_process, true},
    [METHOD] = {"method", check_line, true}, /* that there is such a method: in the second pass */
    [FIELDS] = {"fields", check_fields, false},
    [BASE_URL] = {"base-url", check_url, true},
    [ASSIGNMENT] = {"assignment", check_line, false},
    [STATUS] = {"status", check_status, false},
};

static const struct known_name method_names[METHOD_TEXTS] = {
    [TOKEN_URL] = {"token-url", check_url, false},
    [SENDS] = {"sends", check_line, true},
};

/* Put value into *text, behind what is there when the line continues it. */
static const char *text_put(char **text, const char *value, bool again)
{
    size_t old = again && *text != NULL ? strlen(*text) : 0;
    size_t len = strlen(value);
    if (old + len + 1 > VALUE_MAX)
        return "value longer than 512 bytes";
    char *joined = realloc(*text, old + len + 2);
    if (joined == NULL)
        return "out of memory";
    *text = joined;
    if (old > 0)
        joined[old++] = ' ';
    memcpy(joined + old, value, len + 1);
    return NULL;
}

/* --- sections --- */

/* Where slug is in the sorted index, or belongs. */
static size_t sorted_place(const struct cf_catalogue *catalogue, const char *slug, bool *found)
{
    size_t low = 0, high = catalogue->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(catalogue->sorted[middle]->slug, slug);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool make_room(struct cf_catalogue *catalogue)
{
    if (catalogue->count < catalogue->size)
        return true;
    size_t size = catalogue->size == 0 ? 32 : 2 * catalogue->size;
    struct api **order = realloc(catalogue->order, size * sizeof(*order));
    if (order != NULL)
        catalogue->order = order;
    struct api **sorted = realloc(catalogue->sorted, size * sizeof(*sorted));
    if (sorted != NULL)
        catalogue->sorted = sorted;
    if (order == NULL || sorted == NULL)
        return false;
    catalogue->size = size;
    return true;
}

static struct api *api_add(struct cf_catalogue *catalogue, const char *slug, size_t place, size_t file)
{
    struct api *api = calloc(1, sizeof(*api));
    if (api == NULL || (api->slug = strdup(slug)) == NULL || !make_room(catalogue)) {
        if (api != NULL)
            free(api->slug);
        free(api);
        return NULL;
    }
    api->file = file;
    api->seen.slug = api->slug;
    api->seen.order = catalogue->count;
    memmove(catalogue->sorted + place + 1, catalogue->sorted + place,
            (catalogue->count - place) * sizeof(*catalogue->sorted));
    catalogue->sorted[place] = api;
    catalogue->order[catalogue->count++] = api;
    return api;
}

/* The API of a section, made when it is new. Returns NULL with a reason when it may not be there. */
static struct api *api_of(struct loading *loading, const char *section, const char **reason)
{
    bool found;
    if (!cf_slug_valid(section, strlen(section))) {
        *reason = "not a section of a catalogue: [method NAME], or [SLUG] of a-z, 0-9 and '-'";
        return NULL;
    }
    size_t place = sorted_place(loading->catalogue, section, &found);
    if (!found) {
        struct api *api = api_add(loading->catalogue, section, place, loading->file);
        *reason = "out of memory";
        return api;
    }
    struct api *api = loading->catalogue->sorted[place];
    if (api->file == loading->file)
        return api;
    snprintf(loading->reason, sizeof(loading->reason), "the API '%s' is defined by an earlier file", section);
    *reason = loading->reason;
    return NULL;
}

static struct method *method_find(const struct cf_catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->method_count; i++)
        if (strcmp(catalogue->methods[i]->name, name) == 0)
            return catalogue->methods[i];
    return NULL;
}

static struct method *method_add(struct cf_catalogue *catalogue, const char *name, size_t file)
{
    struct method **methods =
        realloc(catalogue->methods, (catalogue->method_count + 1) * sizeof(*catalogue->methods));
    if (methods == NULL)
        return NULL;
    catalogue->methods = methods;
    struct method *method = calloc(1, sizeof(*method));
    if (method == NULL || (method->name = strdup(name)) == NULL) {
        free(method);
        return NULL;
    }
    method->file = file;
    method->seen.name = method->name;
    return methods[catalogue->method_count++] = method;
}

static bool method_name_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789+-");
    return len > 0 && len <= CF_SLUG_MAX && name[len] == '\0';
}

static struct method *method_of(struct loading *loading, const char *name, const char **reason)
{
    if (!method_name_valid(name)) {
        *reason = "not a method's name: a-z, 0-9, '+' and '-'";
        return NULL;
    }
    struct method *method = method_find(loading->catalogue, name);
    if (method == NULL) {
        *reason = "out of memory";
        return method_add(loading->catalogue, name, loading->file);
    }
    if (method->file == loading->file)
        return method;
    snprintf(loading->reason, sizeof(loading->reason), "the method '%s' is defined by an earlier file", name);
    *reason = loading->reason;
    return NULL;
}

/* --- the two passes --- */

static const char *unknown_name(struct loading *loading, const struct known_name *names, size_t count,
                                const char *name)
{
    int len = snprintf(loading->reason, sizeof(loading->reason), "unknown name '%.60s':", name);
    for (size_t i = 0; i < count; i++)
        len += snprintf(loading->reason + len, sizeof(loading->reason) - (size_t)len, "%s %s", i == 0 ? "" : ",",
                        names[i].name);
    return loading->reason;
}

static const char *collect_text(struct loading *loading, const struct known_name *names, size_t count, char **texts,
                                const char *name, const char *value, bool again)
{
    size_t i = 0;
    while (i < count && strcmp(names[i].name, name) != 0)
        i++;
    if (i == count)
        return unknown_name(loading, names, count, name);
    const char *reason = text_put(&texts[i], value, again);
    return reason != NULL ? reason : names[i].check(loading, texts[i]);
}

static const char *method_section(const char *section)
{
    return strncmp(section, "method ", 7) == 0 ? section + 7 : NULL;
}

static const char *collect(void *arg, const char *section, const char *name, const char *value, bool again)
{
    struct loading *loading = arg;
    const char *reason = NULL, *method_name = method_section(section);
    if (method_name != NULL) {
        struct method *method = method_of(loading, method_name, &reason);
        return method == NULL
                   ? reason
                   : collect_text(loading, method_names, METHOD_TEXTS, method->texts, name, value, again);
    }
    struct api *api = api_of(loading, section, &reason);
    return api == NULL ? reason : collect_text(loading, api_names, API_TEXTS, api->texts, name, value, again);
}

static const char *missing_name(struct loading *loading, const struct known_name *names, size_t count,
                                char *const *texts, const char *section)
{
    for (size_t i = 0; i < count; i++) {
        if (!names[i].is_required || (texts[i] != NULL && *texts[i] != '\0'))
            continue;
        snprintf(loading->reason, sizeof(loading->reason), "[%s] has no %s", section, names[i].name);
        return loading->reason;
    }
    return NULL;
}

static const char *complete_method(struct loading *loading, struct method *method, const char *section)
{
    const char *reason = missing_name(loading, method_names, METHOD_TEXTS, method->texts, section);
    if (reason != NULL)
        return reason;
    method->seen.token_url = method->texts[TOKEN_URL];
    method->seen.sends = method->texts[SENDS];
    method->is_complete = true;
    return NULL;
}

static const char *complete_api(struct loading *loading, struct api *api)
{
    const char *reason = missing_name(loading, api_names, API_TEXTS, api->texts, api->slug);
    if (reason != NULL)
        return reason;
    const struct method *method = method_find(loading->catalogue, api->texts[METHOD]);
    if (method == NULL) {
        snprintf(loading->reason, sizeof(loading->reason), "[%s] has the unknown method '%.60s'", api->slug,
                 api->texts[METHOD]);
        return loading->reason;
    }
    const char *assignment = api->texts[ASSIGNMENT];
    api->seen.title = api->texts[TITLE];
    api->seen.key_process = api->texts[KEY_PROCESS];
    api->seen.method = &method->seen;
    api->seen.fields = api->texts[FIELDS] == NULL ? "" : api->texts[FIELDS];
    api->seen.base_url = api->texts[BASE_URL];
    api->seen.assignment = assignment != NULL && *assignment != '\0' ? assignment : NULL;
    api->seen.retired = api->texts[STATUS] != NULL;
    api->is_complete = true;
    return NULL;
}

static const char *complete(void *arg, const char *section, const char *name, const char *value, bool again)
{
    struct loading *loading = arg;
    (void)name;
    (void)value;
    (void)again;
    const char *method_name = method_section(section);
    if (method_name != NULL) {
        struct method *method = method_find(loading->catalogue, method_name);
        return method == NULL || method->is_complete ? NULL : complete_method(loading, method, section);
    }
    bool found;
    size_t place = sorted_place(loading->catalogue, section, &found);
    struct api *api = found ? loading->catalogue->sorted[place] : NULL;
    return api == NULL || api->is_complete ? NULL : complete_api(loading, api);
}

/* Can be false only when the file was another one in the second pass. */
static bool is_complete(const struct cf_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (!catalogue->order[i]->is_complete)
            return false;
    for (size_t i = 0; i < catalogue->method_count; i++)
        if (!catalogue->methods[i]->is_complete)
            return false;
    return true;
}

static enum cf_error load_builtin(struct cf_catalogue *catalogue, struct cf_fault *fault)
{
    static const char title[] = "built-in catalogue";
    struct loading loading = {.catalogue = catalogue};
    size_t len = strlen(cf_catalogue_builtin);
    enum cf_error error = cf_ini_text(title, cf_catalogue_builtin, len, collect, &loading, fault);
    return error != CF_OK ? error : cf_ini_text(title, cf_catalogue_builtin, len, complete, &loading, fault);
}

static enum cf_error load_file(struct cf_catalogue *catalogue, const char *path, size_t number,
                               struct cf_fault *fault)
{
    struct loading loading = {.catalogue = catalogue, .file = number};
    enum cf_error error = cf_ini_file(path, collect, &loading, fault);
    if (error == CF_OK)
        error = cf_ini_file(path, complete, &loading, fault);
    if (error == CF_OK && !is_complete(catalogue)) {
        cf_fault_set(fault, "%s: changed while it was read", path);
        error = CF_ECONFIG;
    }
    return error;
}

enum cf_error cf_catalogue_load(const char *const *files, struct cf_catalogue **out, struct cf_fault *fault)
{
    *out = NULL;
    struct cf_catalogue *catalogue = calloc(1, sizeof(*catalogue));
    if (catalogue == NULL)
        return CF_ENOMEM;
    enum cf_error error = load_builtin(catalogue, fault);
    for (size_t i = 0; error == CF_OK && files != NULL && files[i] != NULL; i++)
        error = load_file(catalogue, files[i], i + 1, fault);
    if (error != CF_OK) {
        cf_catalogue_free(catalogue);
        return error;
    }
    *out = catalogue;
    return CF_OK;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
}

void cf_catalogue_free(struct cf_catalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    for (size_t i = 0; i < catalogue->count; i++) {
        free_texts(catalogue->order[i]->texts, API_TEXTS);
        free(catalogue->order[i]->slug);
        free(catalogue->order[i]);
    }
    for (size_t i = 0; i < catalogue->method_count; i++) {
        free_texts(catalogue->methods[i]->texts, METHOD_TEXTS);
        free(catalogue->methods[i]->name);
        free(catalogue->methods[i]);
    }
    free(catalogue->order);
    free(catalogue->sorted);
    free(catalogue->methods);
    free(catalogue);
}

/* --- looking --- */

size_t cf_catalogue_count(const struct cf_catalogue *catalogue)
{
    return catalogue->count;
}

const struct cf_api *cf_catalogue_at(const struct cf_catalogue *catalogue, size_t order)
{
    return order < catalogue->count ? &catalogue->order[order]->seen : NULL;
}

const struct cf_api *cf_catalogue_find(const struct cf_catalogue *catalogue, const char *slug)
{
    bool found;
    size_t place = sorted_place(catalogue, slug, &found);
    return found ? &catalogue->sorted[place]->seen : NULL;
}

static void print_line(struct cf_text *out, const char *name, const char *value)
{
    if (value != NULL && *value != '\0')
        cf_text_printf(out, "%s = %s\n", name, value);
}

void cf_api_print(const struct cf_api *api, struct cf_text *out)
{
    print_line(out, "slug", api->slug);
    print_line(out, "title", api->title);
    print_line(out, "status", api->retired ? "retired" : NULL);
    print_line(out, "key-process", api->key_process);
    print_line(out, "method", api->method->name);
    print_line(out, "token-url", api->method->token_url);
    print_line(out, "sends", api->method->sends);
    print_line(out, "fields", api->fields);
    print_line(out, "base-url", api->base_url);
    print_line(out, "assignment", api->assignment);
}
