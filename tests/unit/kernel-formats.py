#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what Linux knows of pixel formats, as C: its two tables, the names in its headers, and the order of bits in
memory as header (DRM) and documentation (V4L2) have it, each in its own way.

usage: kernel-formats.py KERNEL-SOURCE >kernel-formats.inc

The order of bits is a text such as "B8 G8 R8 X8": runs of bits of one component, from bit 0 of byte 0 upwards.
"""

import re
import sys

source = sys.argv[1]
COMPONENTS = {'CR': 'V', 'CB': 'U', "Y'": 'Y'}


def read(path):
    with open(f'{source}/{path}', encoding='utf-8') as file:
        return file.read()


def table(path, struct):
    """The rows between the braces of a function's table."""
    found = re.search(r'static const struct ' + struct + r' formats\[\] = \{\n(.*?)\n\t\};', read(path), re.S)
    if not found:
        sys.exit(f'kernel-formats.py: no table in {path}')
    return found.group(1)


def component(name, number=''):
    return COMPONENTS.get(name.upper(), name.upper()) + number


def drm_bits(comment):
    """Of "[31:0] A:R:G:B 8:8:8:8 little endian": names and widths (absent: equal ones), the highest bit first."""
    found = re.match(r"\[(\d+):0\] ([A-Za-z0-9:]+)( [0-9:]+)?(?: little endian.*)?$", comment)
    if not found:
        return ''
    runs, names = [], found.group(2).split(':')
    widths = found.group(3).split(':') if found.group(3) else [str((int(found.group(1)) + 1) // len(names))] * len(names)
    for name, width in zip(names, (width.strip() for width in widths)):
        parts = re.match(r'([A-Za-z]+)(\d*)$', name)
        runs.append((component(*parts.groups()) if parts else 'X') + '.' + width)
    return ' '.join(reversed(runs))


def v4l2_cells(text):
    """For each format of a page's tables its code and the cells behind."""
    rows = {}
    for row in re.split(r'\n    \* ', text):
        name = re.search(r'- ``V4L2_PIX_FMT_(\w+)``\n\s+- \'', row)
        if name:
            cells = re.findall(r'^      - ?(.*)$', row, re.M)
            rows[name.group(1)] = cells[2:]
    return rows


def cell_bits(cell):
    """The bits of a cell from its lowest one; of a single bit, itself."""
    found = re.match(r"([A-Za-z]+'?)(?:\\ :sub:`([0-9-]+)`)?(?: \(bits 15-(\d+)\))?$", cell)
    if not found:
        return None
    name, number, low = found.groups()
    if low is not None:  # a word of 16 bits, filled from the top, of pixel `number`
        return [('X', -1)] * int(low) + [(component(name, number), i) for i in range(16 - int(low))]
    if number and '-' in number:
        high, low = number.split('-')
        return [(component(name), i) for i in range(int(low), int(high) + 1)]
    return [(component(name), int(number or 0))]


def v4l2_bits(cells):
    bits = []
    parsed = [cell_bits(cell) for cell in cells if cell.rstrip() not in ('', '-\\', '-')]
    if not parsed or None in parsed:
        return ''
    if any("'" in cell or re.match('C[rb]', cell) for cell in cells) and all(len(p) == 1 for p in parsed):
        return ''
    if all(len(p) == 1 for p in parsed):  # cells of a bit, the highest of each byte first
        for at in range(0, len(parsed), 8):
            for bit in reversed(parsed[at:at + 8]):
                bits += bit
    else:
        for part in parsed:
            bits += part
    runs = []
    for name, number in bits:
        if runs and runs[-1][0] == name and (number in (-1, 0) and name == 'X' or number == runs[-1][1] + 1):
            runs[-1] = [name, number, runs[-1][2] + 1]
        else:
            runs.append([name, number, 1])
    return ' '.join(f'{name}.{width}' for name, _, width in runs)


def pairs_bits(cells):
    """Bytes of packed 4:2:2: "Y'\\ :sub:`0`" is a byte of pixel 0; two pixels are enough."""
    found = [re.match(r"(Y'|Cb|Cr)\\ :sub:`(\d)`$", cell) for cell in cells[:4]]
    return ' '.join(component(*cell.groups()) + '.8' for cell in found) if all(found) and len(cells) == 8 else ''


def drm_names(header):
    for name, code, comment in re.findall(
            r"^#define DRM_FORMAT_(\w+)\s+(fourcc_code\([^)]*\))(?: /\* (.*?) \*/)?", header, re.M):
        yield name, code, drm_bits(comment)


def v4l2_names(header):
    bits = {}
    for page in ('rgb', 'packed-yuv'):
        for name, cells in v4l2_cells(read(f'Documentation/userspace-api/media/v4l/pixfmt-{page}.rst')).items():
            bits[name] = pairs_bits(cells) or v4l2_bits(cells)
    section = ''
    for line in header.splitlines():
        heading = re.match(r'/\* (.*formats.*) \*/$', line)
        section = heading.group(1) if heading else section
        found = re.match(r'#define V4L2_PIX_FMT_(\w+)\s+(v4l2_fourcc(?:_be)?\([^)]*\))', line)
        if found:
            yield *found.groups(), bits.get(found.group(1), ''), section


drm = list(drm_names(read('include/uapi/drm/drm_fourcc.h')))
v4l2 = list(v4l2_names(read('include/uapi/linux/videodev2.h')))
for name, code, _ in drm:
    print(f'#define DRM_FORMAT_{name} {code}')
for name, code, _, _ in v4l2:
    print(f'#define V4L2_PIX_FMT_{name} {code}')
print('static const struct drm_format_info kernel_drm[] = {\n' +
      table('drivers/gpu/drm/drm_fourcc.c', 'drm_format_info') + '\n};')
print('static const struct v4l2_format_info kernel_v4l2[] = {\n' +
      table('drivers/media/v4l2-core/v4l2-common.c', 'v4l2_format_info') + '\n};')
print('static const struct kernel_name drm_names[] = {')
for name, _, bits in drm:
    print(f'{{"{name}", DRM_FORMAT_{name}, "{bits}", ""}},')
print('};\nstatic const struct kernel_name v4l2_names[] = {')
for name, _, bits, section in v4l2:
    print(f'{{"{name}", V4L2_PIX_FMT_{name}, "{bits}", "{section}"}},')
print('};')
