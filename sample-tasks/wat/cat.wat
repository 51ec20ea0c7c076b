;; `cat`: copies its input to its output. It ends with 1 when reading or writing fails.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit"
    (func $proc_exit (param i32)))

  ;; 0: the address of the part of the buffer in question; 4: its length; 8: the bytes read or
  ;; written. The buffer is the second page.
  (memory (export "memory") 2)

  (func $check (param $error i32)
    (if (local.get $error)
      (then (call $proc_exit (i32.const 1)))))

  (func (export "_start")
    (local $left i32)
    (loop $next_read
      (i32.store (i32.const 0) (i32.const 65536))
      (i32.store (i32.const 4) (i32.const 65536))
      (call $check
        (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $left (i32.load (i32.const 8)))
      ;; Nothing read is the end of the input.
      (if (i32.eqz (local.get $left))
        (then (return)))
      ;; The host may write less than it was given: the rest is written again.
      (loop $next_write
        (i32.store (i32.const 4) (local.get $left))
        (call $check
          (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (i32.store (i32.const 0)
          (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 8))))
        (local.set $left
          (i32.sub (local.get $left) (i32.load (i32.const 8))))
        (br_if $next_write (local.get $left)))
      (br $next_read))))
