/* generate.c - how does a model over tokens write on?
 *
 * Any model with an input of tokens i32[.., positions] and a first output f32[.., vocabulary] whose last row belongs to
 * the last position. Other inputs, such as what an encoder reads, come from files and stay. Prompts of text are for
 * models over bytes. */
#include "core/error.h"
#include "core/memory.h"
#include "core/npy.h"
#include "main/commands.h"
#include "main/tensors.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct writer {
  weft_context *context;
  weft_kind kind;
  weft_view *inputs;
  size_t input_count;
  weft_view *tokens;      /* the input that grows; its data: all tokens so far */
  int position_dimension; /* of `tokens` */
  int64_t vocabulary;
  uint64_t random;
} writer;

/* The only input for which there is no file. */
static weft_status find_tokens(const weft_module *module, weft_kind kind, const arguments *asked, int *found,
                               weft_tensor_info *info, weft_error *error) {
  weft_tensor_info input;
  *found = -1;
  for (size_t i = 0; weft_module_tensor(module, kind, WEFT_INPUT, i, &input); i++) {
    if (is_given(asked, input.name))
      continue;
    if (*found >= 0)
      return weft_fail(
          error, WEFT_MISUSE,
          "--generate writes the tokens of one input, but '%s' and '%s' both lack a file; give %s=FILE.npy", info->name,
          input.name, info->type == WEFT_I32 ? input.name : info->name);
    *found = (int)i;
    *info = input;
  }
  if (*found < 0)
    return weft_fail(error, WEFT_MISUSE, "--generate writes the tokens of one input, but each is given a file");
  if (info->type != WEFT_I32 || info->rank < 1)
    return weft_fail(error, WEFT_MISUSE, "--generate writes i32 tokens, but input '%s' is something else; see --info",
                     info->name);
  return WEFT_OK;
}

/* Which input grows and which scores count; loads the other inputs. */
static weft_status describe(const weft_module *module, const weft_entry_info *entry, const arguments *asked, writer *w,
                            weft_error *error) {
  weft_tensor_info input, output;
  int index;
  weft_status status = find_tokens(module, w->kind, asked, &index, &input, error);
  if (status != WEFT_OK)
    return status;
  if (!weft_module_tensor(module, w->kind, WEFT_OUTPUT, 0, &output) || output.type != WEFT_F32 || output.rank < 1 ||
      output.shape[output.rank - 1] <= 0)
    return weft_fail(error, WEFT_MISUSE,
                     "--generate is for models whose first output is an f32 score for each symbol; see --info");
  w->vocabulary = output.shape[output.rank - 1];
  w->tokens = &w->inputs[index];
  *w->tokens = (weft_view){.type = WEFT_I32, .rank = input.rank};
  w->position_dimension = input.rank - 1;
  for (int d = 0; d < input.rank; d++) {
    w->tokens->shape[d] = 1;
    if (entry->position_axis && input.runtime_axes[d] && !strcmp(entry->position_axis, input.runtime_axes[d]))
      w->position_dimension = d;
  }
  if (asked->prompt && w->vocabulary != 256)
    return weft_fail(error, WEFT_MISUSE,
                     "--prompt is for models over 256 bytes, but this one has %" PRId64
                     " symbols; use --tokens, or 'weft generate' with a tokenizer",
                     w->vocabulary);
  int64_t tokens = asked->prompt ? (int64_t)strlen(asked->prompt) : (int64_t)asked->token_count;
  // The last token is only written, never read.
  if (entry->context && tokens + asked->length - 1 > entry->context)
    return weft_fail(error, WEFT_BAD_INPUT,
                     "a prompt of %" PRId64 " and %" PRId64 " tokens more do not fit in the context of %" PRId64
                     "; ask for --length %" PRId64 " at most",
                     tokens, asked->length, entry->context, tokens > entry->context ? 0 : entry->context - tokens + 1);
  return load_inputs(module, w->kind, asked, index, w->inputs, error);
}

/* splitmix64: a sequence of its own for each seed. */
static double uniform(writer *w) {
  uint64_t z = (w->random += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* The next token from the scores of the last position; -1 where no score is a number. */
static int32_t choose(writer *w, const float *scores, double temperature) {
  int32_t best = -1;
  for (int64_t i = 0; i < w->vocabulary; i++)
    if (!isnan(scores[i]) && (best < 0 || scores[i] > scores[best]))
      best = (int32_t)i;
  if (best < 0 || temperature == 0)
    return best;
  double sum = 0;
  for (int64_t i = 0; i < w->vocabulary; i++)
    if (!isnan(scores[i]))
      sum += exp(((double)scores[i] - scores[best]) / temperature);
  double left = uniform(w) * sum;
  for (int64_t i = 0; i < w->vocabulary; i++) {
    if (isnan(scores[i]))
      continue;
    left -= exp(((double)scores[i] - scores[best]) / temperature);
    if (left < 0)
      return (int32_t)i;
  }
  return best; // rounding left nothing over
}

static weft_status print_token(const arguments *asked, int64_t index, int32_t token, weft_error *error) {
  if (asked->prompt)
    putchar(token);
  else
    printf("%s%d", index ? "," : "", token);
  // At once, since people read along.
  if (fflush(stdout))
    return weft_fail(error, WEFT_SYSTEM, "standard output cannot be written: %s", strerror(errno));
  return WEFT_OK;
}

/* `tokens` has room for all; the first `prompt` are given. */
static weft_status write_on(writer *w, const arguments *asked, int32_t *tokens, int64_t prompt, weft_error *error) {
  double begin = now(), first = begin;
  int64_t fed = 0, count = prompt, chosen = 0;
  for (int stopped = 0; chosen < asked->length && !stopped; chosen++) {
    // With a cache only what is new goes in; without, everything does.
    w->tokens->data = tokens + fed;
    w->tokens->shape[w->position_dimension] = count - fed;
    weft_status status = w->kind == WEFT_STEP ? weft_step(w->context, w->inputs, w->input_count, NULL, 0, error)
                                              : weft_run(w->context, w->inputs, w->input_count, NULL, 0, error);
    if (status != WEFT_OK)
      return status;
    fed = w->kind == WEFT_STEP ? count : 0;
    weft_view scores = weft_output(w->context, 0);
    int32_t token = choose(w, (const float *)scores.data + (elements_of(&scores) - w->vocabulary), asked->temperature);
    if (token < 0)
      return weft_fail(error, WEFT_BAD_INPUT, "no score after %" PRId64 " tokens is a number; are the weights right",
                       count);
    if (chosen == 0)
      first = now();
    stopped = token == asked->stop;
    if (stopped)
      continue;
    status = print_token(asked, count - prompt, token, error);
    if (status != WEFT_OK)
      return status;
    tokens[count++] = token;
  }
  putchar('\n');
  double rest = now() - first;
  if (asked->time && asked->length > 0) {
    fprintf(stderr, "prompt: %" PRId64 " tokens in %.3f ms", prompt, 1e3 * (first - begin));
    if (chosen > 1)
      fprintf(stderr, "; then %" PRId64 " tokens in %.3f ms, %.0f tokens/s", chosen - 1, 1e3 * rest,
              (double)(chosen - 1) / rest);
    fputc('\n', stderr);
  }
  return WEFT_OK;
}

static weft_status generate(weft_module *module, const arguments *asked, writer *w, weft_error *error) {
  size_t count = asked->prompt ? strlen(asked->prompt) : asked->token_count;
  size_t bytes = (count + (size_t)asked->length) * sizeof(int32_t);
  int32_t *tokens = weft_allocate(&weft_malloc_allocator, bytes, "the tokens", error);
  if (!tokens)
    return WEFT_NO_MEMORY;
  for (size_t i = 0; i < count; i++)
    tokens[i] = asked->prompt ? (unsigned char)asked->prompt[i] : asked->tokens[i];
  const weft_context_options options = {.threads = asked->threads};
  weft_status status = weft_context_create(module, &options, &w->context, error);
  if (status == WEFT_OK) {
    if (asked->prompt)
      fputs(asked->prompt, stdout);
    status = write_on(w, asked, tokens, (int64_t)count, error);
  }
  weft_context_destroy(w->context);
  weft_release(&weft_malloc_allocator, tokens, bytes);
  w->tokens->data = NULL;
  return status;
}

weft_status command_generate(weft_module *module, const arguments *asked, weft_error *error) {
  writer w = {.kind = asked->no_cache ? WEFT_SEQUENCE : WEFT_STEP, .random = asked->seed};
  weft_entry_info entry;
  if (!weft_module_entry(module, w.kind, &entry))
    return weft_fail(error, WEFT_MISUSE, "model '%s' has no entry for %s", weft_module_name(module),
                     asked->no_cache ? "whole sequences" : "steps, since it has no cache; use --no-cache");
  w.input_count = entry.inputs;
  size_t bytes = entry.inputs * sizeof *w.inputs;
  w.inputs = weft_allocate(&weft_malloc_allocator, bytes, "the inputs", error);
  if (!w.inputs)
    return WEFT_NO_MEMORY;
  weft_status status = describe(module, &entry, asked, &w, error);
  if (status == WEFT_OK)
    status = generate(module, asked, &w, error);
  for (size_t i = 0; i < entry.inputs; i++)
    weft_view_release(&weft_malloc_allocator, &w.inputs[i]);
  weft_release(&weft_malloc_allocator, w.inputs, bytes);
  return status;
}
