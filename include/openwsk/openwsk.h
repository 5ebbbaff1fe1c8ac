/*
 * openwsk.h: the embedding API.
 */
#ifndef OPENWSK_OPENWSK_H
#define OPENWSK_OPENWSK_H

#define OW_API __attribute__((visibility("default")))

/* "0.1.0". */
OW_API const char *ow_version(void);

#endif
