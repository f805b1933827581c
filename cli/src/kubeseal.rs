//! The personality `kubeseal`: `seal` called by that name, or as `seal kubeseal`, takes the command line of kubeseal and
//! answers as it does. `docs/migration.md` has what differs, and why.
//!
//! The modes are switches that do not exclude each other; the order in which they are looked at is kubeseal's.

mod certificate;
mod files;
mod flags;
mod merge;
mod objects;
mod raw;
mod recovery;
mod reencrypt;
mod seal;
mod validate;

use std::{ffi::OsString, path::Path, sync::OnceLock};

use jiff::Timestamp;
use seal_api::Reason;
use seal_shell::ExitCode;

use crate::{
    cluster::{self, Access, Cluster, Controller},
    input::Input,
    output,
    problem::{Place, Problem},
    report::Reporter,
};
pub use flags::{Belongs, FLAGS, Flag, Takes};
use flags::{Values, Wrong};
use objects::Form;

/// The name the program answers to.
pub(crate) const NAME: &str = "kubeseal";

/// One call: what was asked for, and what is needed of the surroundings.
struct Call {
    values: Values,
    now: Timestamp,
    form: Form,
    /// What `--secret-file` names, read at once.
    file: Option<Input>,
    context_namespace: OnceLock<Result<String, Problem>>,
}

/// Carries out a command line; the arguments are those behind the program's name.
pub(crate) fn run(program: &str, arguments: &[OsString]) -> ExitCode {
    let mut reporter = Reporter::kubeseal();
    match flags::read(arguments) {
        Ok(line) => {
            if line.is_deprecated {
                let note = "--rotate has been deprecated, please use --re-encrypt instead";
                reporter.note(&Place::default(), note);
            }
            let strays = line.has_strays;
            let outcome = carry_out(program, line.values, &mut reporter);
            if let Err(problem) = outcome {
                reporter.problem(&in_kubeseals_form(problem));
            }
            if strays {
                let warning = "arguments that belong to no flag are left out of account; --secret-file names the input";
                reporter.warn(&Place::default(), warning);
            }
            reporter.exit_code()
        }
        Err(Wrong::Help) => {
            if let Err(problem) = usage(program) {
                reporter.problem(&problem);
            }
            reporter.exit_code()
        }
        Err(Wrong::Variable(message)) => {
            reporter.problem(&Problem::new(Reason::InvalidValue, message));
            reporter.exit_code()
        }
        Err(Wrong::Flag(message)) => {
            let problem = Problem::new(Reason::InvalidCommandLine, message);
            reporter.problem(&problem.hint(format!("\"{NAME} --help\" lists the flags")));
            ExitCode::Usage
        }
    }
}

/// kubeseal has this hint in its message, on which scripts match.
fn in_kubeseals_form(mut problem: Problem) -> Problem {
    if problem.hint.as_deref() == Some(cluster::NAME_THE_SERVICE) {
        problem.hint = None;
        problem.message = format!("{}.\n{}", problem.message, cluster::NAME_THE_SERVICE);
    }
    problem
}

fn usage(program: &str) -> Result<(), Problem> {
    output::print(format!("Usage of {program}:\n{}", flags::help()).as_bytes())
}

fn carry_out(program: &str, values: Values, reporter: &mut Reporter) -> Result<(), Problem> {
    if values.is_on("version") {
        let version = env!("CARGO_PKG_VERSION");
        return output::print(format!("{NAME} version: v{version}\n").as_bytes());
    }
    if values.is_on("help") {
        return usage(program);
    }
    if !values.texts("from-file").is_empty() && !values.is_on("raw") {
        return Err(Problem::new(
            Reason::InvalidCommandLine,
            "--from-file requires --raw",
        ));
    }
    let call = Call::new(values)?;
    let values = &call.values;
    if values.is_on("recovery-unseal") {
        recovery::run(&call, reporter)
    } else if values.is_on("validate") {
        validate::run(&call)
    } else if values.is_on("re-encrypt") || values.is_on("rotate") {
        reencrypt::run(&call, reporter)
    } else if values.is_on("fetch-cert") {
        call.deliver(&certificate::bytes(&call)?.bytes, None)
    } else {
        let certificate = certificate::for_sealing(&call, reporter)?;
        if let Some(file) = values.text("merge-into") {
            merge::run(&call, Path::new(file), &certificate, reporter)
        } else if values.is_on("raw") {
            raw::run(&call, &certificate, reporter)
        } else {
            seal::run(&call, &certificate, reporter)
        }
    }
}

impl Call {
    fn new(values: Values) -> Result<Self, Problem> {
        let file = match values.text("secret-file") {
            Some(path) => Some(files::secret_file(Path::new(path))?),
            None => None,
        };
        Ok(Self {
            form: Form::of(&values)?,
            values,
            now: Timestamp::now(),
            file,
            context_namespace: OnceLock::new(),
        })
    }

    /// The input: the file, or standard input.
    fn with_input<T>(&self, work: impl FnOnce(&Input) -> Result<T, Problem>) -> Result<T, Problem> {
        match &self.file {
            Some(input) => work(input),
            None => work(&files::standard_input()?),
        }
    }

    /// The file to write to, where one is named.
    fn output(&self) -> Option<&Path> {
        self.values.text("sealed-secret-file").map(Path::new)
    }

    /// Writes the result, with the mode where it becomes a file.
    fn deliver(&self, contents: &[u8], mode: Option<u32>) -> Result<(), Problem> {
        match self.output() {
            Some(path) => output::replace(path, contents, mode),
            None => output::print(contents),
        }
    }

    /// The namespace that is asked for.
    fn namespace(&self) -> Option<&str> {
        self.values.text("namespace")
    }

    /// The namespace of what names none: the one asked for, or that of the kubeconfig's context.
    fn namespace_or_context(&self) -> Result<String, Problem> {
        if let Some(namespace) = self.namespace() {
            return Ok(namespace.to_owned());
        }
        let namespace = || cluster::namespace(&self.access());
        self.context_namespace.get_or_init(namespace).clone()
    }

    fn cluster(&self) -> Result<Cluster, Problem> {
        let text = |flag| self.values.text(flag);
        let controller = Controller::of(text("controller-name"), text("controller-namespace"));
        Cluster::connect(&self.access(), controller)
    }

    fn access(&self) -> Access {
        let text = |name| self.values.text(name).map(str::to_owned);
        Access {
            kubeconfig: text("kubeconfig").map(Into::into),
            context: text("context"),
            cluster: text("cluster"),
            user: text("user"),
            server: text("server"),
            certificate_authority: text("certificate-authority"),
            insecure_skip_tls_verify: self.values.is_on("insecure-skip-tls-verify"),
            tls_server_name: text("tls-server-name"),
            proxy_url: text("proxy-url"),
            client_certificate: text("client-certificate"),
            client_key: text("client-key"),
            token: text("token"),
            username: text("username"),
            password: text("password"),
            impersonate: text("as"),
            impersonate_uid: text("as-uid"),
            impersonate_groups: self.values.texts("as-group").to_vec(),
            request_timeout: text("request-timeout"),
        }
    }
}

/// Every environment variable that stands for a flag.
pub fn variables() -> impl Iterator<Item = String> {
    FLAGS.iter().filter_map(Flag::variable)
}
