/* credfs reconcile: an App's APIs against the products that a token response of the vendor names. */
#include "core/assignment.h"
#include "exchange.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { RESPONSE_MOST = 1024 * 1024 };

struct options {
    struct place place;
    const char *app, *file;
    bool json;
};

static const struct argp_option argp_options[] = {
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {0},
};

static const struct argp_child children[] = {{.argp = &place_argp}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->place;
        return 0;
    case 'j':
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            return ARGP_ERR_UNKNOWN;
        *(state->arg_num == 0 ? &options->app : &options->file) = arg;
        return 0;
    case ARGP_KEY_END:
        if (!options->file)
            argp_error(state, "an APP and the FILE of a token response (- for standard input) are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse,
    .args_doc = "APP FILE|-",
    .doc = "Show where an App's APIs and the products in the vendor's OAuth token response differ "
           "(api_product_list_json, or api_product_list). Which products belong to an API is in the catalogue "
           "(products = NAME, NAME; the slug if it says nothing). Exit code 65 when they differ.",
    .children = children,
};

/* --- what the vendor says ----------------------------------------------------------------------------------------- */

/* Call each for the entries of "a, b", without the blanks around them, until it returns false. */
static bool each_entry(const char *list, bool (*each)(void *arg, const char *entry, size_t len), void *arg)
{
    bool more = true;

    while (more && *list) {
        const char *entry = list + strspn(list, " \t");
        size_t len = strcspn(entry, ","), taken = len;
        while (len > 0 && (entry[len - 1] == ' ' || entry[len - 1] == '\t'))
            len--;
        if (len > 0)
            more = each(arg, entry, len);
        list = entry + taken + (entry[taken] == ',');
    }
    return more;
}

static bool add_product(void *arg, const char *entry, size_t len)
{
    return json_array_append_new(arg, json_stringn(entry, len)) == 0;
}

/* "[a, b]" */
static json_t *parse_bracketed(const char *text)
{
    const size_t len = strlen(text);
    json_t *products = json_array();
    char list[4096];

    if (len < 2 || len >= sizeof(list) || text[0] != '[' || text[len - 1] != ']') {
        json_decref(products);
        return NULL;
    }
    memcpy(list, text + 1, len - 2);
    list[len - 2] = '\0';
    (void)each_entry(list, add_product, products);
    return products;
}

static bool are_strings(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

/* The products as an array of strings, owned by the caller; or NULL, having told why. The response holds an access
 * token: nothing of it is shown. */
static json_t *find_products(const char *name, const struct bytes *text)
{
    json_error_t where;
    json_t *response = json_loadb(text->at, text->len, JSON_REJECT_DUPLICATES, &where);
    json_t *products = json_object_get(response, "api_product_list_json");
    const char *bracketed = json_string_value(json_object_get(response, "api_product_list"));

    if (are_strings(products))
        json_incref(products);
    else
        products = bracketed && !products ? parse_bracketed(bracketed) : NULL;
    if (!response)
        log_error("%s: line %d: not valid JSON near its column %d", name, where.line, where.column);
    else if (!products)
        log_error("%s: no list of products in it: api_product_list_json, an array of names, or api_product_list, "
                  "\"[NAME, NAME]\"",
                  name);
    json_decref(response);
    return products;
}

static json_t *read_products(const char *file)
{
    const int fd = strcmp(file, "-") == 0 ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct source *source = NULL;
    struct bytes text = {0};
    json_t *products = NULL;
    int byte = SOURCE_FAILED;

    if (fd < 0)
        log_error("%s: %s", file, strerror(errno));
    else if (source_new(fd, file, &(struct openers){0}, &source) != 0)
        return NULL;
    while (source && (byte = source_byte(source)) >= 0 && text.len < RESPONSE_MOST && bytes_add(&text, (char)byte))
        ;
    if (byte == SOURCE_END)
        products = find_products(file, &text);
    else if (source)
        log_error("%s: it cannot be read, or is larger than 1 MiB", file);
    bytes_release(&text);
    source_free(source);
    return products;
}

/* --- held against what is here ------------------------------------------------------------------------------------ */

struct comparison {
    json_t *products;                       /* what the vendor lists */
    json_t *both, *here, *vendor, *unknown; /* slugs; the last: products */
    bool is_listed;                         /* of the API that is being looked at: a product is in the list */
    json_t *known;                          /* products that an API of the catalogue has */
};

static bool look_for_product(void *arg, const char *entry, size_t len)
{
    struct comparison *comparison = arg;

    for (size_t i = 0; i < json_array_size(comparison->products); i++) {
        const json_t *product = json_array_get(comparison->products, i);
        if (json_string_length(product) != len || memcmp(json_string_value(product), entry, len) != 0)
            continue;
        comparison->is_listed = true;
        json_object_set_new(comparison->known, json_string_value(product), json_true());
    }
    return true;
}

static void compare(struct comparison *comparison, const char *slug, const char *products, bool is_assigned)
{
    json_t *list;

    comparison->is_listed = false;
    (void)each_entry(products, look_for_product, comparison);
    if (!comparison->is_listed && !is_assigned)
        return;
    list = !comparison->is_listed ? comparison->here : is_assigned ? comparison->both : comparison->vendor;
    json_array_append_new(list, json_string(slug));
}

static void compare_all(struct comparison *comparison, const struct cf_catalogue *catalogue,
                        const struct cf_assignments *assigned)
{
    for (size_t i = 0; i < cf_catalogue_count(catalogue); i++) {
        const struct cf_api *api = cf_catalogue_at(catalogue, i);
        compare(comparison, api->slug, api->products, cf_assignments_have(assigned, api->slug));
    }
    for (size_t i = 0; i < assigned->count; i++) /* those that left the catalogue */
        if (!cf_catalogue_find(catalogue, assigned->at[i].slug))
            compare(comparison, assigned->at[i].slug, assigned->at[i].slug, true);
    for (size_t i = 0; i < json_array_size(comparison->products); i++) {
        json_t *product = json_array_get(comparison->products, i);
        if (!json_object_get(comparison->known, json_string_value(product)))
            json_array_append(comparison->unknown, product);
    }
}

static void print_list(const json_t *list, const char *what)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct cf_text name = {0};
        const char *text = json_string_value(json_array_get(list, i));
        if (cf_line_valid(text, strlen(text), CF_VALUE_MAX))
            cf_text_puts(&name, text);
        else
            cf_text_json(&name, text);
        printf("%-12s %s\n", what, name.data ? name.data : "");
        cf_text_release(&name);
    }
}

static int tell(const struct options *options, const struct comparison *comparison)
{
    const bool agree = json_array_size(comparison->here) + json_array_size(comparison->vendor) +
                           json_array_size(comparison->unknown) ==
                       0;
    int code;

    if (options->json) {
        code = command_json(json_pack("{s:s, s:b, s:O, s:O, s:O, s:O}", "app", options->app, "agree", agree, "both",
                                      comparison->both, "here_only", comparison->here, "vendor_only",
                                      comparison->vendor, "unknown_products", comparison->unknown));
    } else {
        print_list(comparison->both, "both");
        print_list(comparison->here, "here only");
        print_list(comparison->vendor, "vendor only");
        print_list(comparison->unknown, "unknown");
        code = command_finish();
    }
    return code == 0 && !agree ? EX_DATAERR : code;
}

static enum cf_error load(struct cf_vault *vault, const char *name, struct cf_assignments *assigned)
{
    struct cf_app app;
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(vault->store, &txn);

    if (error == CF_OK)
        error = cf_app_by_name(&txn, CF_IN_APPS, name, &app);
    if (error == CF_OK)
        error = cf_assignments_load(&txn, &app, vault->catalogue, assigned);
    cf_txn_end(&txn);
    return error;
}

static int reconcile(const struct options *options, struct cf_vault *vault)
{
    struct cf_assignments assigned = {0};
    struct comparison comparison = {0};
    struct cf_fault fault = {""};
    enum cf_error error = load(vault, options->app, &assigned);
    int code;

    if (error != CF_OK) {
        cf_fault_set(&fault, "%s: %s", options->app,
                     error == CF_ENOENT ? "there is no such App" : cf_error_text(error));
        return command_fail(error, &fault);
    }
    comparison.products = read_products(options->file);
    comparison.both = json_array();
    comparison.here = json_array();
    comparison.vendor = json_array();
    comparison.unknown = json_array();
    comparison.known = json_object();
    code = comparison.products ? 0 : EX_DATAERR;
    if (code == 0) {
        compare_all(&comparison, vault->catalogue, &assigned);
        code = tell(options, &comparison);
    }
    json_decref(comparison.products);
    json_decref(comparison.both);
    json_decref(comparison.here);
    json_decref(comparison.vendor);
    json_decref(comparison.unknown);
    json_decref(comparison.known);
    cf_assignments_release(&assigned);
    return code;
}

int cmd_reconcile(int argc, char **argv)
{
    struct options options = {0};
    struct cf_vault *vault = NULL;
    int code;

    exchange_wipe_json();
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    code = command_open(&options.place, &vault);
    if (code == 0)
        code = reconcile(&options, vault);
    cf_vault_close(vault);
    return code;
}
