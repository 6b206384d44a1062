/* embed.c - a compiled model inside a C program: one module, two threads, a context each.
 *
 *     weft compile examples/tales/tales.weft --weights examples/tales/tales.safetensors -o tales.so
 *     cc examples/embed/embed.c -Iruntime/include build/lib/libweft_runtime.a -lm -o embed
 *     ./embed tales.so
 *
 * Works with any model that continues tokens: input i32[batch, seq], output f32[batch, seq, symbols], with a cache. */
#include <pthread.h>
#include <stdio.h>
#include <weft/runtime.h>

enum { THREADS = 2, LENGTH = 24 };

typedef struct teller {
  weft_module *module; /* shared: a module is immutable */
  const char *prompt;
  char text[LENGTH + 1];
  weft_error error;
} teller;

/* The likeliest symbol after the last position. */
static int likeliest(weft_view scores) {
  int64_t symbols = scores.shape[2];
  const float *row = (const float *)scores.data + (scores.shape[1] - 1) * symbols;
  int best = 0;
  for (int i = 1; i < symbols; i++)
    if (row[i] > row[best])
      best = i;
  return best;
}

static void *tell(void *argument) {
  teller *t = argument;
  weft_context *context; /* not shared: it holds the cache and the working memory */
  const weft_context_options options = {.threads = 1};
  if (weft_context_create(t->module, &options, &context, &t->error) != WEFT_OK)
    return NULL;
  int32_t tokens[64];
  int64_t count = 0;
  while (t->prompt[count]) {
    tokens[count] = (unsigned char)t->prompt[count];
    count++;
  }
  for (int i = 0; i < LENGTH; i++) {
    const weft_view input = {tokens, WEFT_I32, 2, {1, count}};
    if (weft_step(context, &input, 1, NULL, 0, &t->error) != WEFT_OK)
      break;
    int next = likeliest(weft_output(context, 0));
    t->text[i] = (char)next;
    tokens[0] = next; /* the cache knows the rest */
    count = 1;
  }
  weft_context_destroy(context);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s MODEL.so\n", argv[0]);
    return 2;
  }
  weft_error error;
  weft_module *module;
  if (weft_module_load(argv[1], NULL, &module, &error) != WEFT_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  teller tellers[THREADS] = {{.module = module, .prompt = "Once "}, {.module = module, .prompt = "The "}};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, tell, &tellers[i])) {
      fputs("no thread could be started\n", stderr);
      return 3;
    }
  int failed = 0;
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    if (tellers[i].error.status != WEFT_OK)
      failed = fprintf(stderr, "thread %d: %s\n", i, tellers[i].error.message);
    else
      printf("thread %d: %s%s\n", i, tellers[i].prompt, tellers[i].text);
  }
  weft_module_destroy(module);
  return failed ? 1 : 0;
}
