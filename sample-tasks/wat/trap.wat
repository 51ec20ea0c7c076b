;; `trap`: does what wasm forbids, as a failed assertion does.
(module
  (memory (export "memory") 0)
  (func (export "_start")
    unreachable))
