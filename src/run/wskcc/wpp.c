/*
 * wpp.c: writes the .tmh file that Windows' WPP preprocessor would generate.
 *
 * WPP reads comments of the form
 *     // begin_wpp config
 *     // FUNC TraceEvents(LEVEL, FLAGS, MSG, ...);
 *     // FUNC FuncEntry{LEVEL=TRACE_LEVEL_VERBOSE}(FLAGS);
 *     // USESUFFIX(FuncEntry, "%!FUNC! Entry");
 *     // end_wpp
 * in the sources and makes a macro of each FUNC. Here such a macro hands its format and arguments
 * to openwsk_wpp_trace() of <wpp.h>; level and flags become text, as only WPP knows what they are.
 */
#include "wskcc.h"

#include <ctype.h>
#include <string.h>

struct function {
    const char *name, *conditions, *parameters, *prefix, *suffix;
    struct function *next;
};

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '/' || *p == '*')
        p++;
    return p;
}

static const char *identifier(const char **p)
{
    const char *start = skip_blanks(*p);
    const char *end = start;

    while (isalnum((unsigned char)*end) || *end == '_')
        end++;
    *p = skip_blanks(end);
    return substring(start, (size_t)(end - start));
}

static struct function *find_function(struct function *f, const char *name)
{
    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

/* "NAME{CONDITIONS}(PARAMETERS)" after FUNC. */
static void parse_function(struct function **functions, const char *p)
{
    const char *name = identifier(&p);
    const char *conditions = "";

    if (*p == '{') {
        size_t length = strcspn(p, "}\n");
        conditions = substring(p, length);
        p += length;
        p = skip_blanks(p + (*p == '}'));
    }
    if (!*name || *p != '(' || find_function(*functions, name))
        return;
    struct function *f = arena_alloc(sizeof(*f));
    f->name = name;
    f->conditions = conditions;
    f->parameters = substring(p + 1, strcspn(p + 1, ")\n"));
    f->prefix = f->suffix = "";
    f->next = *functions;
    *functions = f;
}

/* "(NAME, "text" ...)" after USEPREFIX or USESUFFIX: only the string is of interest. */
static void parse_affix(struct function *functions, const char *p, bool is_prefix)
{
    p = skip_blanks(p);
    if (*p++ != '(')
        return;
    struct function *f = find_function(functions, identifier(&p));
    const char *open = strchr(p, '"');
    const char *line_end = p + strcspn(p, "\n");
    if (!f || !open || open > line_end)
        return;
    const char *close = strchr(open + 1, '"');
    if (!close || close > line_end)
        return;
    const char *text = substring(open, (size_t)(close + 1 - open));
    if (is_prefix)
        f->prefix = text;
    else
        f->suffix = text;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end + 1 : line + strlen(line);
}

static void parse_config(struct function **functions, const char *text, const char *end)
{
    for (const char *line = text; line < end; line = next_line(line)) {
        const char *p = skip_blanks(line);
        if (strncmp(p, "FUNC ", 5) == 0)
            parse_function(functions, p + 5);
    }
    for (const char *line = text; line < end; line = next_line(line)) {
        const char *p = skip_blanks(line);
        if (strncmp(p, "USEPREFIX", 9) == 0 || strncmp(p, "USESUFFIX", 9) == 0)
            parse_affix(*functions, p + 9, p[3] == 'P');
    }
}

static bool has_word(const char *parameters, const char *word)
{
    const char *at = strstr(parameters, word);
    size_t n = strlen(word);

    return at && (at == parameters || !isalnum((unsigned char)at[-1])) &&
           !isalnum((unsigned char)at[n]);
}

/* A parameter of the function as its text, else what its conditions say, else nothing. */
static const char *as_text(const struct function *f, const char *word)
{
    if (has_word(f->parameters, word))
        return format("#%s", word);
    const char *at = strstr(f->conditions, format("%s=", word));
    if (!at)
        return "\"\"";
    at += strlen(word) + 1;
    return format("\"%.*s\"", (int)strcspn(at, ",} \t"), at);
}

static const char *definition(const struct function *f)
{
    const char *message = has_word(f->parameters, "MSG") ? " MSG" : "";
    const char *more = strstr(f->parameters, "...") ? ", ##__VA_ARGS__" : "";

    return format("#undef %s\n#define %s(%s) openwsk_wpp_trace(__func__, %s, %s, \"\" %s%s %s%s)\n",
                  f->name, f->name, f->parameters, as_text(f, "LEVEL"), as_text(f, "FLAGS"),
                  f->prefix, message, f->suffix, more);
}

char *tmh_text(const struct list *texts)
{
    struct function *functions = NULL;
    char *out = format("/* Written by wskcc in place of WPP's preprocessor. */\n"
                       "#include <wpp.h>\n");

    for (size_t i = 0; i < texts->n; i++) {
        const char *at = texts->item[i];
        while ((at = strstr(at, "begin_wpp config"))) {
            at += strlen("begin_wpp config");
            const char *end = strstr(at, "end_wpp");
            if (!end)
                break;
            parse_config(&functions, at, end);
        }
    }
    for (const struct function *f = functions; f; f = f->next)
        out = format("%s%s", out, definition(f));
    return out;
}
