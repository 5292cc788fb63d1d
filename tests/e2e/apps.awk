# Print an export, in plain JSON, of N Apps (-v N=…) in all the states that there are: one to four versions, current,
# retiring, retired and revoked; all kinds of fields; disabled, expired, in the trash; with descriptions, labels, APIs
# and grants; and an API's assignees. The values are made up. `credfs export` prints the same for a store made of it.

function time(n) { return sprintf("\"2026-%02d-%02dT%02d:%02d:%02d.%09dZ\"", 1 + n % 9, 1 + n % 28, n % 24, n % 60, n % 59, n % 999999937) }

function value(n, version, field) { return sprintf("\"%s-%d-%d-\\\"é\\\\ %d\"", field, n, version, (n * 7919 + version) % 1000003) }

function versions(n, count,   i, text) {
    for (i = count; i >= 1; i--) {
        text = text (i < count ? "," : "") sprintf("{\"number\":%d,\"created\":%s,\"created_by\":%d", i, time(n + i), n % 3)
        text = text ",\"deadline\":" (i == count ? "null" : i == count - 1 && n % 5 == 0 ? "\"2099-01-01T00:00:00.000000001Z\"" : time(n + i + 1))
        text = text ",\"revoked\":" ((n + i) % 11 == 0 ? "true" : "false")
        text = text ",\"key\":" value(n, i, "key")
        if (n % 13 != 0) text = text ",\"secret\":" value(n, i, "secret")
        if (n % 17 == 0) text = text ",\"token\":" value(n, i, "token")
        if (n % 19 == 0) text = text ",\"username\":" value(n, i, "user") ",\"password\":" value(n, i, "pass")
        text = text "}"
    }
    return text
}

function app(n, trash,   count, text) {
    count = 1 + n % 4
    printf "{\"app\":\"app-%d\",\"id\":\"%032x\",\"place\":\"%s\",\"disabled\":%s,", n, n, trash ? "trash" : "apps", n % 7 == 0 ? "true" : "false"
    printf "\"created\":%s,\"created_by\":%d,\"updated\":%s,\"updated_by\":%d,", time(n), n % 3, time(n + 5), n % 5
    printf "\"trashed\":%s,\"generation\":%d,\"version\":%d,", trash ? time(n + 6) : "null", 1 + n % 1000, count
    printf "\"expires\":%s,", n % 10 == 0 ? time(n + 7) : n % 10 == 1 ? "\"2099-06-30T12:00:00.500000000Z\"" : "null"
    printf "\"notes\":{%s},", n % 4 == 0 ? sprintf("\"description\":\"App number %d, \\\"é\\\"\",\"label.env\":\"prod\"", n) : ""
    printf "\"apis\":["
    if (n % 3 != 0) printf "{\"slug\":\"cloud-storage-service\",\"since\":%s,\"by\":%d}", time(n + 2), n % 5
    if (n % 3 == 1) printf ",{\"slug\":\"audit-records\",\"since\":%s,\"by\":%d}", time(n + 3), n % 5
    if (n % 3 == 1 && n % 4 == 0) printf ",{\"slug\":\"gone-from-the-catalogue\",\"since\":%s,\"by\":0}", time(n + 4)
    printf "],\"grants\":["
    if (n % 2 == 0) printf "{\"who\":\"user:%d\",\"field\":null,\"since\":%s,\"by\":0}", 100000 + n, time(n + 1)
    if (n % 6 == 0) printf ",{\"who\":\"group:%d-%d\",\"field\":\"key\",\"since\":%s,\"by\":0}", n, n + 65535, time(n + 2)
    printf "],\"versions\":[%s]}\n", versions(n, count)
}

BEGIN {
    print "{\"credfs\":\"export\",\"format\":1,\"created\":\"2026-11-25T00:00:00.000000000Z\"}"
    for (n = 1; n <= N; n++) if (n % 20 != 0) app(n, 0)
    for (n = 20; n <= N; n += 20) app(n, 1)
    printf "{\"assignees\":\"cloud-storage-service\",\"users\":[{\"who\":\"user:1007\",\"field\":null,\"since\":%s,\"by\":0}]}\n", time(3)
    printf "{\"end\":true,\"apps\":%d}\n", N
}
