#include "error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const char *const words[] = {
#define X(name, word, sentence) [name] = word,
    CF_ERROR_LIST(X)
#undef X
};

static const char *const sentences[] = {
#define X(name, word, sentence) [name] = sentence,
    CF_ERROR_LIST(X)
#undef X
};

enum { COUNT = sizeof(words) / sizeof(words[0]) };

const char *cf_error_text(enum cf_error error)
{
    return (size_t)error < COUNT ? sentences[error] : "unknown error";
}

const char *cf_error_word(enum cf_error error)
{
    return (size_t)error < COUNT ? words[error] : "unknown";
}

void cf_fault_set(struct cf_fault *fault, const char *format, ...)
{
    va_list args;

    if (fault == NULL)
        return;
    va_start(args, format);
    if (vsnprintf(fault->text, sizeof(fault->text), format, args) < 0)
        fault->text[0] = '\0';
    va_end(args);
}
