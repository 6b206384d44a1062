/* library.c - how is a compiled shared library opened, and where does a piece of code lie?
 *
 * The library holds its own copy of the runtime (abi.h says why); loading binds that copy to this one. */
#include "core/error.h"
#include "core/module.h"
#include "core/services.h"
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

weft_status weft_library_open(const char *path, void **library, const weft_abi_module **abi, weft_error *error) {
  // A name without a slash would be searched for in the system's library folders; a path is meant.
  char local[PATH_MAX];
  if (snprintf(local, sizeof local, "%s%s", strchr(path, '/') ? "" : "./", path) >= (int)sizeof local)
    return weft_fail(error, WEFT_BAD_MODULE, "the path '%.64s...' is too long", path);
  if (access(local, F_OK))
    return weft_fail(error, WEFT_BAD_MODULE, "there is no file '%s'", path);
  *library = dlopen(local, RTLD_NOW | RTLD_LOCAL);
  if (!*library)
    return weft_fail(error, WEFT_BAD_MODULE, "'%s' cannot be loaded: %s", path, dlerror());
  const weft_abi_module *const *descriptor = dlsym(*library, "weft_module_descriptor");
  if (!descriptor || !*descriptor) {
    weft_library_close(*library);
    return weft_fail(error, WEFT_BAD_MODULE, "'%s' is no compiled model: it exports no 'weft_module_descriptor'", path);
  }
  *abi = *descriptor;
  return WEFT_OK;
}

static struct link_map *object_of(const void *address) {
  Dl_info info;
  struct link_map *map = NULL;
  return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
}

weft_status weft_bind_code(const weft_abi_module *abi, weft_error *error) {
  // Where the code lies decides, not how it was found: a library may also be linked to the program.
  struct link_map *its = object_of((const void *)abi->entry[0].code[0].run), *own = object_of(&weft_own_services);
  if (!its || its == own)
    return WEFT_OK;
  void *object = dlopen(*its->l_name ? its->l_name : NULL, RTLD_NOW | RTLD_NOLOAD);
  if (!object)
    return weft_fail(error, WEFT_BAD_MODULE, "the library of model '%s' cannot be found again: %s", abi->name,
                     dlerror());
  int (*bind)(const weft_abi_services *) = (int (*)(const weft_abi_services *))dlsym(object, "weft_runtime_bind");
  // A library whose code calls nothing may have been linked without the runtime.
  int bound = !bind || bind(&weft_own_services);
  dlclose(object);
  if (bound)
    return WEFT_OK;
  return weft_fail(error, WEFT_BAD_MODULE,
                   "the library is in use by another copy of the runtime in this process; load it through one copy");
}

void weft_library_close(void *library) {
  if (library)
    dlclose(library);
}

weft_status weft_folder_of(const void *address, char *folder, size_t bytes, weft_error *error) {
  struct link_map *map = object_of(address);
  if (!map)
    return weft_fail(error, WEFT_SYSTEM, "the file that holds the module cannot be found; give the weights' path");
  size_t length = strlen(map->l_name);
  if (length == 0) { // the program itself, whose argv[0] may be anything
    ssize_t read = readlink("/proc/self/exe", folder, bytes - 1);
    if (read < 0)
      return weft_fail(error, WEFT_SYSTEM, "the path of the program cannot be read; give the weights' path");
    length = (size_t)read;
  } else if (length < bytes) {
    memcpy(folder, map->l_name, length);
  } else {
    return weft_fail(error, WEFT_SYSTEM, "the path '%s' is too long", map->l_name);
  }
  folder[length] = 0;
  char *slash = strrchr(folder, '/');
  if (slash)
    slash[1] = 0;
  else
    strcpy(folder, "./");
  return WEFT_OK;
}
