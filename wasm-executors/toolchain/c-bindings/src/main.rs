//! `c-bindings`: what an executor in C is compiled with, generated from the executor world. It
//! compiles nothing; `c-bindings.sh` beside it says where the files go.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::Files;

const USAGE: &str = "usage: c-bindings WIT OUT_DIR";

/// The world that is generated, and the name of the files.
const WORLD: &str = "executor";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [wit, out] = &arguments[..] else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match generate(Path::new(wit), Path::new(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("c-bindings: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn generate(wit: &Path, out: &Path) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) =
        resolve.push_path(wit).with_context(|| format!("cannot read {}", wit.display()))?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    for (name, content) in files.iter() {
        let path = out.join(name);
        std::fs::write(&path, content)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
