# shellcheck shell=bash
# Where vLLM's own environments live. Sourced by `install` and `launch`.

ENGINE=vllm
ENGINE_TITLE=vLLM
ENGINE_VERSION=0.32.0
ENGINE_HOME=${CONSILIUM_VLLM_HOME:-}
# shellcheck source=deploy/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
