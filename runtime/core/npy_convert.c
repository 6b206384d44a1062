/* npy_convert.c - how do the types of files become the types of models?
 *
 * Only where the meaning stays: floats to f32 (rounded once, where they are wider), integers to i32 where each fits,
 * booleans to i1. An integer is no float here and a float no integer: that is nearly always a wrong file. */
#include "core/error.h"
#include "core/memory.h"
#include "core/npy.h"
#include <string.h>

/* Exact: a half is a scaled integer. */
static float half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> 10 & 31, fraction = half & 1023, bits;
  if (exponent == 31)
    bits = sign | 0x7f800000u | fraction << 13;
  else if (exponent)
    bits = sign | (exponent + 112) << 23 | fraction << 13;
  else { // zero and subnormals: fraction * 2^-24
    float magnitude = (float)fraction * 0x1p-24f;
    memcpy(&bits, &magnitude, sizeof bits);
    bits |= sign;
  }
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void to_floats(const weft_npy *npy, float *out) {
  int64_t count = npy->header.elements;
  if (npy->header.type == WEFT_NPY_F4)
    memcpy(out, npy->data, npy->bytes);
  else if (npy->header.type == WEFT_NPY_F8)
    for (int64_t i = 0; i < count; i++)
      out[i] = (float)((const double *)npy->data)[i];
  else
    for (int64_t i = 0; i < count; i++)
      out[i] = half_to_float(((const uint16_t *)npy->data)[i]);
}

/* The i-th integer; one above the range of i64 becomes its largest value, which does not fit an i32 either. */
static int64_t integer(const weft_npy *npy, int64_t i) {
  switch (npy->header.type) {
  case WEFT_NPY_I1:
    return ((const int8_t *)npy->data)[i];
  case WEFT_NPY_I2:
    return ((const int16_t *)npy->data)[i];
  case WEFT_NPY_I4:
    return ((const int32_t *)npy->data)[i];
  case WEFT_NPY_I8:
    return ((const int64_t *)npy->data)[i];
  case WEFT_NPY_U1:
    return ((const uint8_t *)npy->data)[i];
  case WEFT_NPY_U2:
    return ((const uint16_t *)npy->data)[i];
  case WEFT_NPY_U4:
    return ((const uint32_t *)npy->data)[i];
  default: {
    uint64_t value = ((const uint64_t *)npy->data)[i];
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
  }
  }
}

static weft_status to_integers(const weft_npy *npy, int32_t *out, weft_error *error) {
  for (int64_t i = 0; i < npy->header.elements; i++) {
    int64_t value = integer(npy, i);
    if (value < INT32_MIN || value > INT32_MAX)
      return weft_fail(error, WEFT_BAD_INPUT, "element %lld is %lld, which does not fit in an i32", (long long)i,
                       (long long)value);
    out[i] = (int32_t)value;
  }
  return WEFT_OK;
}

/* NumPy writes booleans as 0 and 1; a file may hold anything. */
static void to_flags(const weft_npy *npy, unsigned char *out) {
  for (int64_t i = 0; i < npy->header.elements; i++)
    out[i] = ((const unsigned char *)npy->data)[i] != 0;
}

static weft_type model_type(weft_npy_type type) {
  return type <= WEFT_NPY_F8 ? WEFT_F32 : type == WEFT_NPY_B1 ? WEFT_I1 : WEFT_I32;
}

weft_status weft_npy_convert(const weft_npy *npy, weft_type wanted, weft_view *view, weft_error *error) {
  const weft_npy_header *header = &npy->header;
  if (model_type(header->type) != wanted)
    return weft_fail(error, WEFT_BAD_INPUT, "the array is %s but the model wants %s", weft_npy_type_name(header->type),
                     weft_type_name(wanted));
  *view = (weft_view){.type = wanted, .rank = header->rank};
  memcpy(view->shape, header->shape, sizeof view->shape);
  view->data = weft_allocate(&npy->allocator, (size_t)header->elements * weft_type_bytes(wanted), "an input", error);
  if (!view->data)
    return WEFT_NO_MEMORY;
  weft_status status = WEFT_OK;
  if (wanted == WEFT_F32)
    to_floats(npy, view->data);
  else if (wanted == WEFT_I32)
    status = to_integers(npy, view->data, error);
  else
    to_flags(npy, view->data);
  if (status != WEFT_OK)
    weft_view_release(&npy->allocator, view);
  return status;
}

void weft_view_release(const weft_allocator *allocator, weft_view *view) {
  int fits;
  weft_release(allocator, view->data, (size_t)weft_dense_bytes(view->type, view->shape, view->rank, &fits));
  view->data = NULL;
}
