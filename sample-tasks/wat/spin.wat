;; `spin`: never ends, and never asks the host for anything. Only the host can stop it.
(module
  (memory (export "memory") 0)
  (func (export "_start")
    (loop $for_ever
      (br $for_ever))))
