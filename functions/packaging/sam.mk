# `sam build` makes build-<resource> for each function, with the Makefile of the template's parameter Architecture. The first one compiles all functions
# in one run of cargo, and the others find them compiled.
PROJECT := $(realpath $(dir $(lastword $(MAKEFILE_LIST)))../..)
NAME = $(shell echo $* | sed 's/\([a-z]\)\([A-Z]\)/\1-\2/g' | tr '[:upper:]' '[:lower:]')

# SAM shows the standard output while it waits, and the errors' only at the end.
build-%Function:
	@$(MAKE) --no-print-directory --directory $(PROJECT) bootstraps ARCHITECTURE=$(ARCHITECTURE) 2>&1
	@cp $(PROJECT)/target/bootstraps/$(ARCHITECTURE)/$(NAME)/bootstrap "$(ARTIFACTS_DIR)"
