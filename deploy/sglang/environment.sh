# shellcheck shell=bash
# Where SGLang's own environments live. Sourced by `install`, `launch` and `route`.

ENGINE=sglang
ENGINE_TITLE=SGLang
ENGINE_VERSION=0.5.23
ENGINE_HOME=${CONSILIUM_SGLANG_HOME:-}
# shellcheck source=deploy/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
