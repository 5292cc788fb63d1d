#include "catalogue.h"
#include "catalogue_read.h"

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

/* --- entries --- */

size_t cf_catalogue_place(const struct cf_catalogue *catalogue, const char *slug, bool *found)
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
    struct cf_api_entry **order = realloc(catalogue->order, size * sizeof(*order));
    if (order != NULL)
        catalogue->order = order;
    struct cf_api_entry **sorted = realloc(catalogue->sorted, size * sizeof(*sorted));
    if (sorted != NULL)
        catalogue->sorted = sorted;
    if (order == NULL || sorted == NULL)
        return false;
    catalogue->size = size;
    return true;
}

struct cf_api_entry *cf_catalogue_add(struct cf_catalogue *catalogue, const char *slug, size_t place, size_t file)
{
    struct cf_api_entry *api = calloc(1, sizeof(*api));
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

struct cf_method_entry *cf_catalogue_method(const struct cf_catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->method_count; i++)
        if (strcmp(catalogue->methods[i]->name, name) == 0)
            return catalogue->methods[i];
    return NULL;
}

struct cf_method_entry *cf_catalogue_add_method(struct cf_catalogue *catalogue, const char *name, size_t file)
{
    struct cf_method_entry **methods =
        realloc(catalogue->methods, (catalogue->method_count + 1) * sizeof(*catalogue->methods));
    if (methods == NULL)
        return NULL;
    catalogue->methods = methods;
    struct cf_method_entry *method = calloc(1, sizeof(*method));
    if (method == NULL || (method->name = strdup(name)) == NULL) {
        free(method);
        return NULL;
    }
    method->file = file;
    method->seen.name = method->name;
    return methods[catalogue->method_count++] = method;
}

/* --- loading --- */

/* In two passes: an API may name a method that comes later. */
static enum cf_error load_text(struct cf_catalogue *catalogue, const char *title, const char *text, size_t len,
                               size_t number, struct cf_fault *fault)
{
    struct cf_catalogue_loading loading = {.catalogue = catalogue, .file = number};
    enum cf_error error = cf_ini_text(title, text, len, cf_catalogue_collect, &loading, fault);

    return error == CF_OK ? cf_ini_text(title, text, len, cf_catalogue_complete, &loading, fault) : error;
}

static enum cf_error load_file(struct cf_catalogue *catalogue, const char *path, size_t number,
                               struct cf_sources *sources, struct cf_fault *fault)
{
    const char *text;
    size_t len;
    enum cf_error error = cf_sources_text(sources, path, &text, &len, fault);

    return error == CF_OK ? load_text(catalogue, path, text, len, number, fault) : error;
}

enum cf_error cf_catalogue_load(const char *const *files, struct cf_sources *sources, struct cf_catalogue **out,
                                struct cf_fault *fault)
{
    struct cf_catalogue *catalogue = calloc(1, sizeof(*catalogue));
    enum cf_error error;

    *out = NULL;
    if (catalogue == NULL)
        return CF_ENOMEM;
    error =
        load_text(catalogue, "built-in catalogue", cf_catalogue_builtin, strlen(cf_catalogue_builtin), 0, fault);
    for (size_t i = 0; error == CF_OK && files != NULL && files[i] != NULL; i++)
        error = load_file(catalogue, files[i], i + 1, sources, fault);
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
        cf_method_release(&catalogue->methods[i]->seen);
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
    size_t place = cf_catalogue_place(catalogue, slug, &found);
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
