/*
 * crt/string.h: <string.h> of a driver.
 */
#ifndef OPENWSK_CRT_STRING_H
#define OPENWSK_CRT_STRING_H

#include "openwsk_crt.h"

OW_BEGIN_C

void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t size);
char *strcpy(char *d, const char *s);
char *strncpy(char *d, const char *s, size_t n);
char *strcat(char *d, const char *s);
char *strncat(char *d, const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
size_t strspn(const char *s, const char *set);
size_t strcspn(const char *s, const char *set);
#ifdef __cplusplus
extern "C++" {
const void *memchr(const void *s, int c, size_t n) __asm__("memchr");
const char *strchr(const char *s, int c) __asm__("strchr");
const char *strrchr(const char *s, int c) __asm__("strrchr");
const char *strstr(const char *s, const char *part) __asm__("strstr");
const char *strpbrk(const char *s, const char *set) __asm__("strpbrk");
void *memchr(void *s, int c, size_t n) __asm__("memchr");
char *strchr(char *s, int c) __asm__("strchr");
char *strrchr(char *s, int c) __asm__("strrchr");
char *strstr(char *s, const char *part) __asm__("strstr");
char *strpbrk(char *s, const char *set) __asm__("strpbrk");
}
#else
void *memchr(const void *s, int c, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *part);
char *strpbrk(const char *s, const char *set);
#endif
#define stricmp  _stricmp
#define strnicmp _strnicmp
#define strcmpi  _strcmpi
#define strlwr   _strlwr
#define strupr   _strupr

OW_END_C

#endif
