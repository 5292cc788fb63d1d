#include "template.h"

#include <stdlib.h>
#include <string.h>

struct cf_templates {
    struct cf_template *at; /* in the order of names */
    size_t count;
};

enum cf_error cf_template_parse(const char *title, const char *text, size_t len, struct cf_template *out,
                                struct cf_fault *fault)
{
    struct cf_fault reason = {""};
    enum cf_error error = CF_ENOMEM;
    int line;

    *out = (struct cf_template){0};
    out->text = malloc(len + 1);
    if (out->text != NULL) {
        memcpy(out->text, text, len);
        error = cf_parts_parse(out->text, len, CF_NAMES_VIEW, &out->parts, &line, &reason);
    }
    if (error == CF_ECONFIG)
        cf_fault_set(fault, "%s:%d: %s", title, line, reason.text);
    if (error != CF_OK)
        cf_template_release(out);
    return error;
}

void cf_template_release(struct cf_template *template)
{
    cf_parts_release(&template->parts);
    free(template->text);
    *template = (struct cf_template){0};
}

/* --- a directory of them --- */

static bool is_view_name(const char *name, size_t len)
{
    static const char *const builtin[] = {"env", "json", "properties", "curl"};

    for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++)
        if (strlen(builtin[i]) == len && memcmp(builtin[i], name, len) == 0)
            return false;
    for (size_t i = 0; i < len; i++) {
        const char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-'))
            return false;
    }
    return len > 0 && len <= CF_TEMPLATE_NAME_MAX;
}

static enum cf_error load_one(const char *path, struct cf_sources *sources, struct cf_template *out,
                              struct cf_fault *fault)
{
    const char *text;
    size_t len;
    enum cf_error error = cf_sources_text(sources, path, &text, &len, fault);

    if (error == CF_OK)
        error = cf_template_parse(path, text, len, out, fault);
    if (error == CF_OK)
        out->changed = cf_sources_changed(sources, path);
    return error;
}

/* Add the template of a name that stands in a list of them. */
static enum cf_error add(struct cf_templates *templates, const char *directory, const char *name, size_t len,
                         struct cf_sources *sources, struct cf_fault *fault)
{
    struct cf_template *template = &templates->at[templates->count];
    struct cf_text path = {0};
    enum cf_error error;

    cf_text_printf(&path, "%s/%.*s", directory, (int)len, name);
    error = cf_text_result(&path);
    if (error == CF_OK && !is_view_name(name, len)) {
        cf_fault_set(
            fault,
            "%s: not a name for a view: 1 to %d of letters, digits, '.', '_' and '-', and none of env, json, "
            "properties, curl",
            path.data, (int)CF_TEMPLATE_NAME_MAX);
        error = CF_ECONFIG;
    }
    if (error == CF_OK)
        error = load_one(path.data, sources, template, fault);
    if (error == CF_OK) {
        memcpy(template->name, name, len);
        templates->count++;
    }
    cf_text_release(&path);
    return error;
}

static enum cf_error load_all(struct cf_templates *templates, const char *directory, struct cf_sources *sources,
                              struct cf_fault *fault)
{
    const char *names = NULL, *newline;
    size_t len = 0;
    enum cf_error error = cf_sources_names(sources, directory, &names, &len, fault);

    for (const char *name = names; error == CF_OK && len > 0; name = newline + 1) {
        newline = memchr(name, '\n', len);
        if (newline == NULL)
            return CF_EFORMAT;
        if (templates->count == CF_TEMPLATES_MOST) {
            cf_fault_set(fault, "%s: has more than %d templates", directory, (int)CF_TEMPLATES_MOST);
            return CF_ECONFIG;
        }
        error = add(templates, directory, name, (size_t)(newline - name), sources, fault);
        len -= (size_t)(newline - name) + 1;
    }
    return error;
}

enum cf_error cf_templates_load(const char *directory, struct cf_sources *sources, struct cf_templates **out,
                                struct cf_fault *fault)
{
    struct cf_templates *templates = calloc(1, sizeof *templates);
    enum cf_error error = CF_ENOMEM;

    *out = NULL;
    if (templates != NULL)
        templates->at = calloc(CF_TEMPLATES_MOST, sizeof *templates->at);
    if (templates != NULL && templates->at != NULL)
        error = directory != NULL ? load_all(templates, directory, sources, fault) : CF_OK;
    if (error != CF_OK) {
        cf_templates_free(templates);
        return error;
    }
    *out = templates;
    return CF_OK;
}

void cf_templates_free(struct cf_templates *templates)
{
    if (templates == NULL)
        return;
    for (size_t i = 0; i < templates->count; i++)
        cf_template_release(&templates->at[i]);
    free(templates->at);
    free(templates);
}

/* --- their numbers --- */

static enum cf_error find_serial(struct cf_txn *txn, struct cf_template *template)
{
    struct cf_rows *rows;
    bool row = false;
    enum cf_error error =
        cf_sql_query(txn->db, &rows, "SELECT serial FROM template WHERE name = ?", "t", template->name);

    if (error == CF_OK)
        error = cf_sql_next(rows, &row);
    if (error == CF_OK)
        template->serial = row ? cf_sql_int(rows, 0) : 0;
    cf_sql_done(rows);
    return error;
}

enum cf_error cf_templates_register(struct cf_txn *txn, struct cf_templates *templates)
{
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < templates->count; i++) {
        struct cf_template *template = &templates->at[i];
        error = find_serial(txn, template);
        if (error != CF_OK || template->serial != 0 || !txn->writes)
            continue;
        error = cf_sql_run(txn->db, "INSERT INTO template (name) VALUES (?)", "t", template->name);
        template->serial = cf_sql_last_id(txn->db);
    }
    return error;
}

/* --- looking --- */

size_t cf_templates_count(const struct cf_templates *templates)
{
    return templates->count;
}

const struct cf_template *cf_templates_at(const struct cf_templates *templates, size_t i)
{
    return i < templates->count ? &templates->at[i] : NULL;
}

const struct cf_template *cf_templates_find(const struct cf_templates *templates, const char *name)
{
    for (size_t i = 0; i < templates->count; i++)
        if (strcmp(templates->at[i].name, name) == 0)
            return &templates->at[i];
    return NULL;
}

const struct cf_template *cf_templates_by_serial(const struct cf_templates *templates, int64_t serial)
{
    for (size_t i = 0; i < templates->count; i++)
        if (serial != 0 && templates->at[i].serial == serial)
            return &templates->at[i];
    return NULL;
}
