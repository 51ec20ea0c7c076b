;; `noop`: does nothing and ends well, the smallest task there is. It is what starting a task costs.
(module
  (memory (export "memory") 0)
  (func (export "_start")))
