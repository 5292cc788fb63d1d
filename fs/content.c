#include "content.h"

#include "command.h"
#include "core/api.h"
#include "core/clock.h"
#include "core/print.h"

#include <inttypes.h>
#include <unistd.h>

enum cf_error content_print(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                            struct cf_text *out)
{
    enum cf_error error = node->row->print(fs, txn, node, out);

    return error == CF_OK ? cf_text_result(out) : error;
}

/* What changes from one look to the next has a fixed width, so that the size that stat tells is that of a read. */
enum cf_error content_status(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                             struct cf_text *out)
{
    int64_t up = (cf_now() - fs->region->mounted) / CF_SECOND;
    char started[CF_TIME_SIZE];
    struct cf_counts counts;
    enum cf_error error = cf_vault_count(fs->vault, &counts);

    (void)txn, (void)node;
    if (error != CF_OK)
        return error;
    cf_time_format(fs->region->mounted, started);
    cf_text_printf(out, "version = %s\npid = %ld\nworker = %ld\nworkers = %" PRId64 "\n", CREDFS_VERSION,
                   (long)getppid(), (long)getpid(), atomic_load(&fs->region->starts));
    cf_text_printf(out, "renewed = %" PRId64 "\nrefused = %" PRId64 "\n", atomic_load(&fs->region->renewed),
                   atomic_load(&fs->region->refused));
    cf_text_printf(out, "store = %s\nconfig = %s\nmountpoint = %s\n", cf_store_path(fs->vault->store),
                   fs->config ? fs->config : "none", fs->mountpoint);
    cf_text_printf(out, "started = %s\nuptime = %5" PRId64 "d %02" PRId64 "h %02" PRId64 "m %02" PRId64 "s\n",
                   started, up / 86400, up / 3600 % 24, up / 60 % 60, up % 60);
    cf_text_printf(out, "apps = %" PRId64 "\ntrash = %" PRId64 "\napis = %" PRId64 "\nrecords = %" PRId64 "\n",
                   counts.apps, counts.trash, counts.apis, counts.records);
    for (int kind = 0; kind < CF_SUMMARY_COUNT; kind++)
        cf_text_printf(out, "%s = %" PRId64 "\n", cf_summary_word((enum cf_summary_kind)kind),
                       counts.summary.count[kind]);
    cf_text_printf(out, "requests = %12" PRIu64 "\n", atomic_load(&fs->served));
    return CF_OK;
}

enum cf_error content_apis(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, struct cf_text *out)
{
    return cf_print_apis(fs->vault, txn, &node->app, out);
}

enum cf_error content_grants(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                             struct cf_text *out)
{
    (void)fs;
    return cf_print_grants(txn, &node->app, out);
}

enum cf_error content_info(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node, struct cf_text *out)
{
    return cf_print_info(fs->vault, txn, &node->app, out);
}

enum cf_error content_version_info(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                                   struct cf_text *out)
{
    (void)fs;
    return cf_print_version(txn, &node->app, &node->version, out);
}

enum cf_error content_readers(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                              struct cf_text *out)
{
    return cf_readers_print(fs->vault->readers, txn, &node->app, out);
}

enum cf_error content_api_info(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                               struct cf_text *out)
{
    (void)fs, (void)txn;
    cf_api_print(node->api, out);
    return CF_OK;
}

enum cf_error content_api_apps(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                               struct cf_text *out)
{
    (void)fs;
    return cf_print_api_apps(txn, node->api->slug, out);
}

enum cf_error content_assignees(struct fs_state *fs, struct cf_txn *txn, const struct fs_node *node,
                                struct cf_text *out)
{
    (void)fs;
    return cf_print_assignees(txn, node->api->slug, out);
}

enum cf_error content_write_field(struct fs_state *fs, struct cf_caller *caller, const struct fs_input *input)
{
    return cf_write_field(fs->vault, caller, input->serial, input->field, input->mode, input->text, input->len);
}

enum cf_error content_write_apis(struct fs_state *fs, struct cf_caller *caller, const struct fs_input *input)
{
    return cf_write_apis(fs->vault, caller, input->serial, input->mode, input->text, input->len);
}

enum cf_error content_write_grants(struct fs_state *fs, struct cf_caller *caller, const struct fs_input *input)
{
    return cf_write_grants(fs->vault, caller, input->serial, input->mode, input->text, input->len);
}

enum cf_error content_write_ctl(struct fs_state *fs, struct cf_caller *caller, const struct fs_input *input)
{
    return cf_write_ctl(fs->vault, caller, input->serial, input->text, input->len);
}

enum cf_error content_write_assignees(struct fs_state *fs, struct cf_caller *caller, const struct fs_input *input)
{
    struct cf_api_row api;
    struct cf_txn txn = {0};
    enum cf_error error = cf_txn_read(fs->vault->store, &txn);

    if (error == CF_OK)
        error = cf_api_by_serial(&txn, input->serial, &api);
    cf_txn_end(&txn);
    if (error != CF_OK)
        return error;
    return cf_write_assignees(fs->vault, caller, api.slug, input->mode, input->text, input->len);
}
