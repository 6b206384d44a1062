/* npy_header.c - what does the header of a .npy file say, and does the file keep its promise?
 *
 * The grammar, of all that Python allows: { 'key': value, ... } with the keys descr (a string), fortran_order (True or
 * False) and shape (a tuple of whole numbers), each once, in any order. */
#include "core/error.h"
#include "core/npy.h"
#include <string.h>

typedef struct dtype {
  const char *code, *name;
  size_t bytes;
} dtype;

static const dtype dtypes[] = {
    [WEFT_NPY_F2] = {"f2", "float16", 2}, [WEFT_NPY_F4] = {"f4", "float32", 4}, [WEFT_NPY_F8] = {"f8", "float64", 8},
    [WEFT_NPY_I1] = {"i1", "int8", 1},    [WEFT_NPY_I2] = {"i2", "int16", 2},   [WEFT_NPY_I4] = {"i4", "int32", 4},
    [WEFT_NPY_I8] = {"i8", "int64", 8},   [WEFT_NPY_U1] = {"u1", "uint8", 1},   [WEFT_NPY_U2] = {"u2", "uint16", 2},
    [WEFT_NPY_U4] = {"u4", "uint32", 4},  [WEFT_NPY_U8] = {"u8", "uint64", 8},  [WEFT_NPY_B1] = {"b1", "bool", 1},
};

const char *weft_npy_type_name(weft_npy_type type) { return dtypes[type].name; }
size_t weft_npy_type_bytes(weft_npy_type type) { return dtypes[type].bytes; }

typedef struct parser {
  const char *at, *end;
  weft_npy_header *header;
  char descr[24]; /* as written, for messages */
  weft_error *error;
} parser;

#define REFUSE(...) weft_fail(p->error, WEFT_BAD_INPUT, __VA_ARGS__)

static void skip_space(parser *p) {
  while (p->at < p->end && memchr(" \t\r\n\f", *p->at, 5))
    p->at++;
}

/* Takes `token` after white space, where it is next. */
static int take(parser *p, const char *token) {
  skip_space(p);
  size_t length = strlen(token);
  if ((size_t)(p->end - p->at) < length || memcmp(p->at, token, length))
    return 0;
  p->at += length;
  return 1;
}

/* A string without escapes: no name or type that is accepted has one. */
static int take_string(parser *p, const char **text, size_t *length) {
  skip_space(p);
  if (p->at == p->end || (*p->at != '\'' && *p->at != '"'))
    return 0;
  const char *begin = p->at + 1;
  const char *close = memchr(begin, *p->at, (size_t)(p->end - begin));
  if (!close || memchr(begin, '\\', (size_t)(close - begin)) || memchr(begin, '\n', (size_t)(close - begin)))
    return 0;
  *text = begin;
  *length = (size_t)(close - begin);
  p->at = close + 1;
  return 1;
}

static weft_status parse_descr(parser *p) {
  const char *text;
  size_t length;
  if (!take_string(p, &text, &length)) {
    if (take(p, "["))
      return REFUSE("header: descr is a structured type, which no model takes");
    return REFUSE("header: descr is not a string such as '<f4'");
  }
  // Quoted in messages, so it must be fit to be printed.
  size_t shown = 0;
  while (shown < length && shown < sizeof p->descr - 1 && text[shown] > ' ' && text[shown] < 127)
    shown++;
  memcpy(p->descr, text, shown);
  p->descr[shown] = 0;
  if (shown < length)
    return REFUSE("header: descr '%s...' names no type", p->descr);
  const char *code = p->descr + (*p->descr && strchr("<>=|", *p->descr) ? 1 : 0);
  if (*code == 'O')
    return REFUSE("header: descr '%s' holds Python objects (a pickle), which are never loaded", p->descr);
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
    if (strcmp(code, dtypes[i].code))
      continue;
    if (*p->descr == '>' && dtypes[i].bytes > 1)
      return REFUSE("header: descr '%s' is big-endian; save the array as '<%s'", p->descr, code);
    if (*p->descr == '|' && dtypes[i].bytes > 1)
      return REFUSE("header: descr '%s' does not say its byte order", p->descr);
    p->header->type = (weft_npy_type)i;
    return WEFT_OK;
  }
  return REFUSE("header: descr '%s' is none of the types that are read: floats f2 f4 f8, integers i1 i2 i4 i8 "
                "u1 u2 u4 u8, booleans b1",
                p->descr);
}

static weft_status parse_order(parser *p) {
  if (take(p, "False"))
    return WEFT_OK;
  if (take(p, "True"))
    return REFUSE("header: fortran_order is True: the array lies in column order; save numpy.ascontiguousarray of it");
  return REFUSE("header: fortran_order is neither True nor False");
}

static weft_status parse_size(parser *p, int64_t *size) {
  skip_space(p);
  const char *begin = p->at;
  *size = 0;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
    if (__builtin_mul_overflow(*size, 10, size) || __builtin_add_overflow(*size, *p->at++ - '0', size))
      return REFUSE("header: shape overflows: a size has more than 63 bits");
  if (p->at == begin || (*begin == '0' && p->at - begin > 1))
    return REFUSE("header: shape is not a tuple of whole numbers");
  if (p->at < p->end && *p->at == 'L') // how Python 2 wrote whole numbers
    p->at++;
  return WEFT_OK;
}

static weft_status parse_shape(parser *p) {
  if (!take(p, "("))
    return REFUSE("header: shape is not a tuple");
  int32_t rank = 0;
  int comma = 1;
  while (!take(p, ")")) {
    if (!comma)
      return REFUSE("header: shape is not a tuple of whole numbers");
    int64_t size;
    weft_status status = parse_size(p, &size);
    if (status != WEFT_OK)
      return status;
    if (rank < WEFT_MAX_RANK)
      p->header->shape[rank] = size;
    rank++;
    comma = take(p, ",");
  }
  if (rank == 1 && !comma)
    return REFUSE("header: shape is a number in brackets, not a tuple");
  if (rank > WEFT_MAX_RANK)
    return REFUSE("header: shape has rank %d, more than %d", rank, WEFT_MAX_RANK);
  p->header->rank = rank;
  return WEFT_OK;
}

static weft_status parse_dictionary(parser *p) {
  static const struct {
    const char *name;
    weft_status (*parse)(parser *);
  } keys[] = {{"descr", parse_descr}, {"fortran_order", parse_order}, {"shape", parse_shape}};
  enum { KEYS = sizeof keys / sizeof *keys };
  int seen[KEYS] = {0};
  if (!take(p, "{"))
    return REFUSE("header is not a dictionary");
  for (int comma = 1; !take(p, "}"); comma = take(p, ",")) {
    const char *key;
    size_t length;
    if (!comma || !take_string(p, &key, &length) || !take(p, ":"))
      return REFUSE("header is not a dictionary of 'descr', 'fortran_order' and 'shape'");
    int k = 0;
    while (k < KEYS && (strlen(keys[k].name) != length || memcmp(keys[k].name, key, length)))
      k++;
    if (k == KEYS)
      return REFUSE("header has a key beside 'descr', 'fortran_order' and 'shape'");
    if (seen[k]++)
      return REFUSE("header has the key '%s' twice", keys[k].name);
    weft_status status = keys[k].parse(p);
    if (status != WEFT_OK)
      return status;
  }
  for (int k = 0; k < KEYS; k++)
    if (!seen[k])
      return REFUSE("header has no '%s'", keys[k].name);
  skip_space(p);
  return p->at == p->end ? WEFT_OK : REFUSE("header has something after its dictionary");
}

/* The array must be all of the file that is left: `left` bytes. */
static weft_status check_size(parser *p, uint64_t left) {
  weft_npy_header *header = p->header;
  size_t bytes = dtypes[header->type].bytes;
  int empty = 0;
  for (int32_t i = 0; i < header->rank; i++)
    empty |= header->shape[i] == 0;
  header->elements = empty ? 0 : 1;
  int64_t total = 0;
  char text[WEFT_SHAPE_TEXT_BYTES];
  for (int32_t i = 0; !empty && i < header->rank; i++)
    if (__builtin_mul_overflow(header->elements, header->shape[i], &header->elements))
      return REFUSE("shape %s overflows 63 bits", weft_shape_text(header->shape, header->rank, text));
  if (__builtin_mul_overflow(header->elements, (int64_t)bytes, &total))
    return REFUSE("shape %s overflows 63 bits", weft_shape_text(header->shape, header->rank, text));
  if ((uint64_t)total > left)
    return REFUSE("truncated: shape %s of '%s' needs %lld bytes of data, but the file has %llu",
                  weft_shape_text(header->shape, header->rank, text), p->descr, (long long)total,
                  (unsigned long long)left);
  if ((uint64_t)total < left)
    return REFUSE("%llu trailing bytes after the array of shape %s", (unsigned long long)(left - (uint64_t)total),
                  weft_shape_text(header->shape, header->rank, text));
  return WEFT_OK;
}

weft_status weft_npy_parse(const void *bytes, size_t have, uint64_t file_bytes, weft_npy_header *header,
                           weft_error *error) {
  static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  const unsigned char *at = bytes;
  parser parsed = {.header = header, .error = error}, *p = &parsed;
  memset(header, 0, sizeof *header);
  size_t common = have < sizeof magic ? have : sizeof magic;
  if (common && memcmp(at, magic, common))
    return REFUSE("not an npy file: its magic is not \\x93NUMPY%s",
                  have >= 2 && !memcmp(at, "PK", 2) ? "; it is a zip archive (npz), save one array with numpy.save"
                                                    : "");
  if (have < sizeof magic)
    return REFUSE("the file is too small: %zu bytes do not hold the magic of an npy file", have);
  if (have < sizeof magic + 2)
    return REFUSE("the file is too small: it ends before the version of its header");
  if (at[6] < 1 || at[6] > 3 || at[7] != 0)
    return REFUSE("version %u.%u of the npy format is none of 1.0, 2.0 and 3.0", at[6], at[7]);
  size_t start = at[6] == 1 ? 10 : 12;
  if (have < start)
    return REFUSE("the file is too small: it ends before the length of its header");
  uint64_t length = at[8] | (uint64_t)at[9] << 8;
  if (start == 12)
    length |= (uint64_t)at[10] << 16 | (uint64_t)at[11] << 24;
  if (length > file_bytes - start)
    return REFUSE("header of %llu bytes is longer than the file, which has %llu after its length",
                  (unsigned long long)length, (unsigned long long)(file_bytes - start));
  if (length > WEFT_NPY_PREFIX - 12 || length > have - start)
    return REFUSE("header of %llu bytes is longer than %d", (unsigned long long)length, WEFT_NPY_PREFIX - 12);
  p->at = (const char *)at + start;
  p->end = p->at + length;
  header->data_offset = start + (size_t)length;
  weft_status status = parse_dictionary(p);
  return status == WEFT_OK ? check_size(p, file_bytes - header->data_offset) : status;
}
