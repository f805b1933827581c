//! Finding an earlier build by its hash, or making one: into a temporary name, then renamed, under a lock file.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, Kind, Tool};

pub(crate) const SETTINGS: &[(&str, &str)] = &[("CGO_ENABLED", "0"), ("GOWORK", "off")];
const FLAGS: &[&str] = &["-mod=readonly", "-trimpath"];

pub(crate) fn path(tool: &Tool) -> Result<PathBuf, Error> {
    let folder = cache()?.join(format!("{}-{:016x}", tool.name, identity(tool)?));
    let program = folder.join(tool.name);
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&folder).map_err(in_file(&folder))?;
    let lock_path = folder.join("lock");
    let lock = fs::File::create(&lock_path).map_err(in_file(&lock_path))?;
    lock.lock().map_err(in_file(&lock_path))?;
    if !program.is_file() {
        build(tool, &program)?;
    }
    Ok(program)
}

/// The folder with a `go.mod`, by its name.
pub(crate) fn module(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn build(tool: &Tool, program: &Path) -> Result<(), Error> {
    let unfinished = program.with_extension("unfinished");
    let mut go = Command::new("go");
    match tool.kind {
        Kind::Program => go.arg("build"),
        Kind::Tests { tags } => go.args(["test", "-c", "-tags", tags]),
    };
    let output = go
        .args(FLAGS)
        .arg(format!("-ldflags=-s -w {}", tool.ldflags))
        .arg("-o")
        .arg(&unfinished)
        .arg(tool.package)
        .current_dir(module(tool.module))
        .envs(SETTINGS.iter().copied())
        .output()
        .map_err(|error| without_go(tool.name, &module(tool.module), error))?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Build {
            tool: tool.name,
            messages,
        });
    }
    fs::rename(&unfinished, program).map_err(in_file(program))
}

pub(crate) fn without_go(tool: &'static str, module: &Path, error: io::Error) -> Error {
    if error.kind() != io::ErrorKind::NotFound {
        return in_file(Path::new("go"))(error);
    }
    let modules = fs::read_to_string(module.join("go.mod")).unwrap_or_default();
    let needed = modules
        .lines()
        .find_map(|line| line.strip_prefix("go "))
        .unwrap_or("(any)");
    Error::FindGo {
        tool,
        needed: needed.to_owned(),
    }
}

/// A hash over all that decides what is built. It names a folder and guards nothing, so it need not be cryptographic.
fn identity(tool: &Tool) -> Result<u64, Error> {
    let mut hasher = DefaultHasher::new();
    (tool.package, tool.kind, tool.ldflags, SETTINGS, FLAGS).hash(&mut hasher);
    for path in sources(&module(tool.module))? {
        fs::read(&path).map_err(in_file(&path))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// `go.mod`, `go.sum`, and what of a program stands beside them.
fn sources(module: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = vec![module.join("go.mod"), module.join("go.sum")];
    for entry in fs::read_dir(module).map_err(in_file(module))? {
        let path = entry.map_err(in_file(module))?.path();
        if path.extension().is_some_and(|extension| extension == "go") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn cache() -> Result<PathBuf, Error> {
    let folder = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    folder("SEAL_TOOLS_DIR")
        .or_else(|| folder("XDG_CACHE_HOME"))
        .or_else(|| folder("HOME").map(|home| home.join(".cache")))
        .map(|parent| parent.join("seal-tools"))
        .ok_or(Error::FindCache)
}

pub(crate) fn in_file(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}
