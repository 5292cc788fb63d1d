/* catalogue_read.h: how a catalogue comes from its files. Private to catalogue*.c. */
#ifndef CF_CATALOGUE_READ_H
#define CF_CATALOGUE_READ_H

#include "catalogue.h"
#include "ini.h"

#include <stdbool.h>
#include <stddef.h>

enum cf_api_text { TITLE, KEY_PROCESS, METHOD, FIELDS, BASE_URL, ASSIGNMENT, PRODUCTS, STATUS, API_TEXTS };
enum cf_method_text { TOKEN_URL, SENDS, SECRET, HEADER, TOKEN_USER, TOKEN_HEADER, TOKEN_FORM, METHOD_TEXTS };

struct cf_method_entry {
    struct cf_method seen; /* what the rest of credfs sees; points into the members below */
    char *name;
    char *texts[METHOD_TEXTS];
    size_t file; /* number of the file that defines it */
    bool is_complete;
};

struct cf_api_entry {
    struct cf_api seen;
    char *slug;
    char *texts[API_TEXTS];
    size_t file, products_file; /* numbers of the files that define it, and that name its products */
    bool is_complete;
};

struct cf_catalogue {
    struct cf_api_entry **order;  /* as in the files */
    struct cf_api_entry **sorted; /* the same, by slug */
    size_t count, size;
    struct cf_method_entry **methods;
    size_t method_count;
};

/* The reading of one file, in two passes: the first collects; the second, when all methods are known, asks at the
 * first line of each section whether it is complete, so that a message can name that line. */
struct cf_catalogue_loading {
    struct cf_catalogue *catalogue;
    size_t file;
    char reason[256];
};

/* The passes; arg is a struct cf_catalogue_loading. */
cf_ini_line cf_catalogue_collect;
cf_ini_line cf_catalogue_complete;

/* Is this a line (of token-user, the value) of what a method sends? Each returns NULL, or the reason why not, which may
 * lie in loading. */
typedef const char *cf_catalogue_check(struct cf_catalogue_loading *loading, const char *value);
cf_catalogue_check cf_catalogue_header, cf_catalogue_token_user, cf_catalogue_token_header, cf_catalogue_token_form;

/* Fill in what a method sends, from its texts. Returns NULL, or the reason why not, which may lie in loading. */
const char *cf_catalogue_sends(struct cf_catalogue_loading *loading, struct cf_method_entry *method,
                               const char *section);
void cf_method_release(struct cf_method *method);

/* Where slug is in the sorted index, or belongs. */
size_t cf_catalogue_place(const struct cf_catalogue *catalogue, const char *slug, bool *found);

/* Add an API at its place in the sorted index. NULL when out of memory. */
struct cf_api_entry *cf_catalogue_add(struct cf_catalogue *catalogue, const char *slug, size_t place, size_t file);

/* The method of this name, or NULL. */
struct cf_method_entry *cf_catalogue_method(const struct cf_catalogue *catalogue, const char *name);

/* Add one. NULL when out of memory. */
struct cf_method_entry *cf_catalogue_add_method(struct cf_catalogue *catalogue, const char *name, size_t file);

#endif
