/*
 * commas.c: Microsoft's preprocessor drops the comma in front of an empty __VA_ARGS__; the standard
 * one leaves it, and "f(x, )" is no C. Sources that rely on it (usually for a LOG macro) are
 * preprocessed, relieved of each comma that a closing parenthesis follows, and then compiled. No
 * valid C or C++ has such a comma, so nothing else can change. Line markers stay, so messages and
 * debug information name the driver's own lines.
 */
#include "wskcc.h"

#include <ctype.h>
#include <string.h>

bool drops_commas(const char *text)
{
    const char *at = text;

    while ((at = strstr(at, "__VA_ARGS__"))) {
        const char *p = at;
        while (p > text && (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\\' || p[-1] == '\n'))
            p--;
        if (p > text && p[-1] == ',')
            return true;
        at++;
    }
    return false;
}

/* After a string or character literal that begins at p; it ends with its line at the latest. */
static char *after_literal(char *p)
{
    char quote = *p++;

    while (*p && *p != quote && *p != '\n')
        p += p[0] == '\\' && p[1] ? 2 : 1;
    return *p == quote ? p + 1 : p;
}

static char *after_line(char *p)
{
    return p + strcspn(p, "\n");
}

/* The next token's first character, over blanks and line markers. */
static char next_token(char *p)
{
    for (;; p++) {
        if (p[0] == '\n' && p[1] == '#')
            p = after_line(p + 1) - 1;
        else if (!isspace((unsigned char)*p))
            return *p;
    }
}

void drop_commas(char *text)
{
    char *p = text;

    while (*p) {
        if (*p == '#' && (p == text || p[-1] == '\n')) {
            p = after_line(p);
            continue;
        }
        if (*p == '"' || *p == '\'') {
            p = after_literal(p);
            continue;
        }
        if (*p == ',' && next_token(p + 1) == ')')
            *p = ' ';
        p++;
    }
}
