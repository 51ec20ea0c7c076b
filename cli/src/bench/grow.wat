;; `grow`: takes memory a page at a time, writes to each page it gets, and goes on asking for more
;; when it gets no more. It never ends. Without names, so that the module beside this text is
;; nothing else.
(module
  (func (export "_start") (local i32)
    (loop
      (local.set 0 (memory.grow (i32.const 1)))
      (if (i32.ne (local.get 0) (i32.const -1))
        (then (i32.store (i32.shl (local.get 0) (i32.const 16)) (i32.const 1))))
      (br 0)))
  (memory (export "memory") 1))
