/* SPDX-License-Identifier: MIT */
/* Just as much of Linux as the functions of kernel-code.py need to be compiled here. */
#ifndef TESTS_BOARDS_KERNEL_SHIM_H
#define TESTS_BOARDS_KERNEL_SHIM_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32, __be32, phandle;
typedef uint64_t u64, phys_addr_t, dma_addr_t;

#define pr_err(...)
#define pr_warn_once(...)
#define pr_info(...)
#define pr_debug(...)
#define of_dump_addr(...)
#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#define __init
#define __free(name)
#define no_free_ptr(pointer) (pointer)
#define unreachable() abort()
#define BUG() abort()
#define WARN_ON(condition) (condition)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define IS_ENABLED(option) 0
#define CONFIG_PCI 1
#define CONFIG_HAS_DMA 1

#define ERR_PTR(error) ((void *)(intptr_t)(error))
#define PTR_ERR(pointer) ((int)(intptr_t)(pointer))
#define IS_ERR(pointer) ((uintptr_t)(pointer) >= (uintptr_t)-4095)
#define be32_to_cpu(cell) ntohl(cell)
#define be32_to_cpup(cell) ntohl(*(cell))
#define cpu_to_be32(cell) htonl(cell)
#define kcalloc(count, size, flags) calloc(count, size)
#define strchrnul(text, c) (strchr(text, c) ? strchr(text, c) : (text) + strlen(text))

#define PHYS_ADDR_MAX UINT64_MAX
#define OF_BAD_ADDR UINT64_MAX
#define OF_ROOT_NODE_ADDR_CELLS_DEFAULT 1
#define OF_ROOT_NODE_SIZE_CELLS_DEFAULT 1
#define OF_MAX_ADDR_CELLS 4
#define OF_CHECK_ADDR_COUNT(na) ((na) > 0 && (na) <= OF_MAX_ADDR_CELLS)
#define OF_CHECK_COUNTS(na, ns) (OF_CHECK_ADDR_COUNT(na) && (ns) > 0)
#define MAX_PHANDLE_ARGS 16
#define LOGIC_PIO_CPU_MMIO 0
#define IORESOURCE_IO 0x00000100
#define IORESOURCE_MEM 0x00000200
#define IORESOURCE_PREFETCH 0x00002000
#define IORESOURCE_MEM_64 0x00100000

struct fwnode_handle {
	int nothing;
};

struct logic_pio_hwaddr {
	unsigned long flags;
};

struct property {
	const char *name;
	int length;
	void *value;
	struct property *next;
};

struct device_node {
	const char *full_name;
	phandle phandle;
	struct fwnode_handle fwnode;
	struct property *properties;
	struct device_node *parent, *child, *sibling;
};

struct of_phandle_args {
	struct device_node *np;
	int args_count;
	uint32_t args[MAX_PHANDLE_ARGS];
};

struct of_phandle_iterator {
	const char *cells_name;
	int cell_count;
	const struct device_node *parent;
	const __be32 *list_end, *phandle_end, *cur;
	uint32_t cur_count;
	phandle phandle;
	struct device_node *node;
};

struct of_pci_range_parser {
	struct device_node *node;
	struct of_bus *bus;
	const __be32 *range, *end;
	int na, ns, pna;
	bool dma;
};

struct of_pci_range {
	u64 bus_addr, cpu_addr, size;
	u32 flags;
};

struct bus_dma_region {
	phys_addr_t cpu_start;
	dma_addr_t dma_start;
	u64 size;
};

#define of_range_parser of_pci_range_parser
#define of_range of_pci_range

/* the test's own */
struct device_node *of_find_node_by_phandle(phandle handle);

static bool dma_default_coherent;
static struct device_node *of_root;

static inline struct device_node *of_node_get(const struct device_node *node)
{
	return (struct device_node *)(uintptr_t)node;
}

#define of_node_put(node) ((void)(node))
#define find_io_range_by_fwnode(fwnode) ((struct logic_pio_hwaddr *)NULL)
#define raw_spin_lock_irqsave(lock, flags) ((flags) = 0)
#define raw_spin_unlock_irqrestore(lock, flags) ((void)(flags))

static inline u64 of_read_number(const __be32 *cell, int size)
{
	u64 number = 0;

	for (; size--; cell++)
		number = number << 32 | be32_to_cpu(*cell);
	return number;
}

static inline const char *kbasename(const char *path)
{
	const char *last = strrchr(path, '/');

	return last ? last + 1 : path;
}

static inline struct property *of_find_property(const struct device_node *node, const char *name,
						int *len)
{
	for (struct property *property = node ? node->properties : NULL; property;
	     property = property->next)
		if (strcmp(property->name, name) == 0) {
			if (len)
				*len = property->length;
			return property;
		}
	return NULL;
}

static inline const void *of_get_property(const struct device_node *node, const char *name,
					  int *len)
{
	struct property *property = of_find_property(node, name, len);

	return property ? property->value : NULL;
}

#define __of_get_property of_get_property
#define of_property_read_bool(node, name) (of_find_property(node, name, NULL) != NULL)
#define of_node_is_type __of_node_is_type
#define of_node_full_name(node) ((node)->full_name)
#define of_property_read_u32(node, name, value) \
	(of_property_read_variable_u32_array(node, name, value, 1, 0) < 0 ? -EINVAL : 0)
#define of_parse_phandle_with_args(node, list, cells, index, args) \
	__of_parse_phandle_with_args(node, list, cells, -1, index, args)
#define of_for_each_phandle(it, error, node, list, cells, count)     \
	for (of_phandle_iterator_init(it, node, list, cells, count), \
	     error = of_phandle_iterator_next(it);                   \
	     !(error); error = of_phandle_iterator_next(it))
#define for_each_available_child_of_node(node, each)                   \
	for ((each) = (node)->child; (each); (each) = (each)->sibling) \
		if (of_device_is_available(each))
#define for_each_of_range(parser, range) while (of_pci_range_parser_one(parser, range))

/* used before they are defined */
int of_bus_n_addr_cells(struct device_node *node);
int of_n_addr_cells(struct device_node *node);
int of_bus_n_size_cells(struct device_node *node);
int of_n_size_cells(struct device_node *node);
u64 of_translate_address(struct device_node *node, const __be32 *address);
u64 of_translate_dma_address(struct device_node *node, const __be32 *address);
struct device_node *__of_get_dma_parent(const struct device_node *node);
struct of_pci_range *of_pci_range_parser_one(struct of_pci_range_parser *parser,
					     struct of_pci_range *range);

#endif
