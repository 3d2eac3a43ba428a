# SPDX-License-Identifier: GPL-2.0
# Makes self-tests of the examples in doc comments of Rust files, for src/tests/examples.rs.
#
# An example with a function `example` is a case, named after the file and the public item that the
# example documents. `example` may take a device: `dev: DmaDevice<'_>`. Each line of an example
# stays a line, so that a failed assertion can name the line in the documentation.

function emit(line) { print line; lines++ }

# Returns a name in snake case.
function snake(name,    i, c, last, out) {
	for (i = 1; i <= length(name); i++) {
		c = substr(name, i, 1)
		if (i > 1 && c != tolower(c) && last == tolower(last) && last != "_")
			out = out "_"
		out = out tolower(c)
		last = c
	}
	return out
}

# Makes a case of the example that was read last, for an item of this name.
function emit_case(item,    i, name) {
	name = index(item, file_name) == 1 ? item : file_name (item == "" ? "" : "_" item)
	emit("")
	emit("    fn " name (seen[name]++ ? "_" seen[name] : "") "() -> Result {")
	# The code begins two lines below this one.
	emit("        const PLACE: (&str, i32) = (\"" FILENAME "\", " first " - " lines + 2 ");")
	for (i = 1; i <= count; i++)
		emit(code[i])
	emit("        example(" (takes_device ? "TestDevice::new()?.dma()" : "") ")")
	emit("    }")
	found = 0
}

BEGIN {
	emit("cases! {")
	emit("    sgdma_examples;")
}

FNR == 1 {
	file_name = FILENAME
	gsub(/.*\/|\.rs$/, "", file_name)
	inside = found = 0
}

/^ *\/\/[\/!] ```/ {
	inside = !inside
	if (inside) {
		first = FNR + 1
		count = 0
	} else if (found && /\/\/!/) {
		emit_case("")
	}
	next
}

inside {
	line = $0
	sub(/^ *\/\/[\/!] ?/, "", line)
	sub(/^ *# |^ *#$/, "", line)
	code[++count] = line == "" ? "" : "        " line
	if (line ~ /fn example\(/) {
		found = 1
		takes_device = line ~ /DmaDevice/
	}
	next
}

# The item that the comment belongs to.
found && match($0, /^ *(pub )?((const|unsafe) )*(struct|enum|trait|fn|const|type) [A-Za-z0-9_]+/) {
	item = substr($0, RSTART, RLENGTH)
	sub(/.* _*/, "", item)
	emit_case(snake(item))
}

END { emit("}") }
