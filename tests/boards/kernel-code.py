#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints those functions of Linux that test-kernel.c compares with, as they stand in its source.

usage: kernel-code.py KERNEL-SOURCE >kernel-code.inc
"""

import re
import sys

# In the order in which they need each other.
PROPERTY = ['of_find_property_value_of_size', 'of_property_read_variable_u32_array', 'of_prop_next_string']
BASE = ['of_node_name_eq', '__of_node_is_type', 'of_bus_n_addr_cells', 'of_n_addr_cells', 'of_bus_n_size_cells',
        'of_n_size_cells', 'of_get_parent', 'of_phandle_iterator_init', 'of_phandle_iterator_next',
        'of_phandle_iterator_args', '__of_parse_phandle_with_args']
MATCH = ['of_property_match_string']
STATUS = ['__of_device_is_status', '__of_device_is_available', 'of_device_is_available', 'of_map_id']

# Parts of drivers/of/address.c, and what in them has to do with resources.
ADDRESS_FROM, ADDRESS_TO = '/* Callbacks for bus specific translators */', 'static u64 of_translate_ioport'
RANGE_FROM, RANGE_TO = '#ifdef CONFIG_HAS_DMA\n/**\n * of_dma_get_range', '/**\n * of_mmio_is_nonposted'
RESOURCES = ['__of_address_resource_bounds', 'of_pci_range_to_resource', 'of_range_to_resource', '__of_get_address',
             'of_property_read_reg', 'of_translate_dma_region', 'of_pci_range_parser_init']


def function(text, name):
    """Its definition, from the type to the closing brace."""
    found = re.search(r'^[a-z][^\n;{}()=]*\b' + re.escape(name) + r'\([^;{]*\)\n\{.*?^\}\n', text, re.M | re.S)
    if not found:
        sys.exit(f'kernel-code.py: no function {name}')
    return found.group(0)


def part(text, begin, end):
    start = text.index(begin)
    return text[start:text.index(end, start)]


def main(source):
    def read(name):
        with open(f'{source}/drivers/of/{name}', encoding='utf-8') as file:
            return file.read()

    base, properties, address = read('base.c'), read('property.c'), read('address.c')
    for text, names in ((properties, PROPERTY), (base, BASE), (properties, MATCH), (base, STATUS)):
        for name in names:
            print(function(text, name))
    ranges = part(address, ADDRESS_FROM, ADDRESS_TO) + part(address, RANGE_FROM, RANGE_TO)
    for name in RESOURCES:
        ranges = ranges.replace(function(ranges, name), '')
    print(ranges)


main(sys.argv[1])
