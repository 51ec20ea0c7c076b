//! `hello [NAME...]`: greets each of its arguments on a line, or the world.

use std::env::args;
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args().len() <= 1 {
        writeln!(out, "Hello, world!")?;
    }
    for name in args().skip(1) {
        writeln!(out, "Hello, {name}!")?;
    }
    out.flush()
}
