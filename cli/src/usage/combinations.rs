//! What the parts of a command line say together: flags that contradict each other, or need one another.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches, CommandFactory, Id, error::ErrorKind, parser::ValueSource};

use crate::args::{
    CertCommand, Cli, Command, CreateArgs, EncryptArgs, KeysCommand, KeysNewArgs, RenderArgs,
    SetArgs, UnsealArgs, ValueArgs, value_parsers::is_standard_stream,
};

/// A combination that cannot be meant.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The names of the command.
    pub(super) command: &'static [&'static str],
    pub(super) kind: ErrorKind,
    pub(super) message: String,
}

type Checked = Result<(), (ErrorKind, String)>;

/// Refuses flags of sealing before a command: it would run without them.
pub(super) fn check_order(matches: &ArgMatches) -> Result<(), Wrong> {
    let is_typed = |id: &Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    // The declarations are costly to make, beside the sealing of a small Secret.
    if matches.subcommand().is_none() || !matches.ids().any(is_typed) {
        return Ok(());
    }
    let command = Cli::command();
    let is_given = |flag: &&Arg| {
        !flag.is_global_set()
            && matches.value_source(flag.get_id().as_str()) == Some(ValueSource::CommandLine)
    };
    match command.get_arguments().find(is_given) {
        Some(flag) => Err(Wrong {
            command: &[],
            kind: ErrorKind::ArgumentConflict,
            message: format!(
                "--{} stands before the command: it belongs behind it",
                flag.get_long().unwrap_or_default()
            ),
        }),
        None => Ok(()),
    }
}

/// Checks what clap cannot: everything that needs more than one flag's value.
pub(super) fn check(cli: &Cli) -> Result<(), Wrong> {
    let (command, checked): (&'static [&'static str], Checked) = match &cli.command {
        Some(Command::Encrypt(args)) => (&["encrypt"], encrypt(args)),
        Some(Command::Create(args)) => (&["create"], create(args)),
        Some(Command::Set(args)) => (&["set"], set(args)),
        Some(Command::Inspect(args)) => (&["inspect"], read_once(paths(&args.inputs))),
        Some(Command::Verify(args)) => (&["verify"], read_once(paths(&args.inputs))),
        Some(Command::Apply(args)) => (&["apply"], read_once(paths(&args.inputs))),
        Some(Command::Unseal(args)) => (&["unseal"], unseal(args)),
        Some(Command::Render(args)) => (&["render"], render(args)),
        Some(Command::Keys(KeysCommand::New(args))) => (&["keys", "new"], keys_new(args)),
        Some(
            Command::Raw(_)
            | Command::Cert(CertCommand::Fetch(_) | CertCommand::Show(_) | CertCommand::Pin(_))
            | Command::Completions(_)
            | Command::Migrate(_)
            | Command::Kubeseal(_),
        )
        | None => return Ok(()),
    };
    checked.map_err(|(kind, message)| Wrong {
        command,
        kind,
        message,
    })
}

fn conflict(message: impl Into<String>) -> Checked {
    Err((ErrorKind::ArgumentConflict, message.into()))
}

fn missing(message: &str) -> Checked {
    Err((ErrorKind::MissingRequiredArgument, message.to_owned()))
}

fn encrypt(args: &EncryptArgs) -> Checked {
    if args.in_place && args.inputs.iter().any(|path| is_standard_stream(path)) {
        return conflict(
            "--in-place replaces files, and the input is standard input: name files or folders",
        );
    }
    read_once(paths(&args.inputs))
}

fn paths(inputs: &[PathBuf]) -> impl Iterator<Item = &Path> {
    inputs.iter().map(PathBuf::as_path)
}

fn unseal(args: &UnsealArgs) -> Checked {
    read_once(args.key.iter().chain([&args.file]).map(PathBuf::as_path))
}

fn render(args: &RenderArgs) -> Checked {
    let sources = args.key.iter().chain(&args.values);
    read_once(sources.chain([&args.file]).map(PathBuf::as_path))
}

fn create(args: &CreateArgs) -> Checked {
    let helper = args.tls.is_some() || args.docker_registry.is_some();
    if !args.values.are_given() && !helper {
        return missing(
            "no value is given: --from-file, --from-env-file, --generate, --prompt, --tls or --docker-registry give values",
        );
    }
    if let (Some(asked), Some(made)) = (&args.type_, args.helper_type())
        && asked != made
    {
        return conflict(format!(
            "--type says another type than {made}, which the helper makes"
        ));
    }
    // RFC 7617, section 2: in "user:password" the first colon ends the user.
    if let Some([_, user]) = args.docker_registry.as_deref()
        && user.contains(':')
    {
        return Err((
            ErrorKind::ValueValidation,
            "the user of --docker-registry has a colon, which no user has".to_owned(),
        ));
    }
    let names = args.label.iter().map(|label| &*label.name);
    if let Some(name) = first_repeated(names) {
        return conflict(format!("the label {name} is given twice"));
    }
    let tls = args.tls.iter().flatten();
    let files = tls.chain(&args.docker_password_file).map(PathBuf::as_path);
    values(&args.values, args.helper_keys(), files)
}

fn set(args: &SetArgs) -> Checked {
    if !args.values.are_given() && args.remove.is_empty() {
        return missing(
            "no value is given and none is to be removed: seal set sealed.yaml --prompt KEY",
        );
    }
    if let Some(key) = first_repeated(args.remove.iter().map(String::as_str)) {
        return conflict(format!("the key {key:?} is to be removed twice"));
    }
    let mut keys = args.values.keys();
    if let Some(key) = keys.find(|key| args.remove.iter().any(|remove| remove == key)) {
        return conflict(format!("the key {key:?} is to be set and to be removed"));
    }
    values(&args.values, &[], [].into_iter())
}

/// Each key once, and standard input once; with the keys and files that the command has besides.
fn values<'a>(
    args: &'a ValueArgs,
    other_keys: &'static [&'static str],
    other_files: impl Iterator<Item = &'a Path>,
) -> Checked {
    if let Some(key) = first_repeated(args.keys().chain(other_keys.iter().copied())) {
        return conflict(format!("the key {key:?} is given twice"));
    }
    let files = args.from_file.iter().map(|file| file.path.as_path());
    let files = files.chain(args.from_env_file.iter().map(PathBuf::as_path));
    read_once(files.chain(other_files))
}

/// Standard input can be read once only: the second reader would find it empty.
fn read_once<'a>(files: impl Iterator<Item = &'a Path>) -> Checked {
    if files.filter(|path| is_standard_input(path)).count() < 2 {
        return Ok(());
    }
    conflict("standard input is named more than once, and can be read once only")
}

/// Whether a path is standard input, also by the names that the system gives it.
fn is_standard_input(path: &Path) -> bool {
    let by_name = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
    is_standard_stream(path) || by_name.iter().any(|name| path == Path::new(name))
}

fn first_repeated<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

fn keys_new(args: &KeysNewArgs) -> Checked {
    let certificate = args.cert_output.as_deref();
    if certificate.is_some_and(|path| place_of(path) == place_of(&args.output)) {
        return conflict(
            "--output and --cert-output name the same file; the key and the certificate need a file each",
        );
    }
    Ok(())
}

/// Where a file will stand, however its folder is spelt.
fn place_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(path);
    let folder = Path::new(".").join(folder);
    let folder = fs::canonicalize(&folder).unwrap_or(folder);
    folder.join(path.file_name().unwrap_or_default())
}
