//! `cargo xtask demo`: the main job, walked through with the two release binaries. Every step is checked; the first that
//! does not hold ends the walk with an error.

mod controller;
mod manifests;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::workspace::{self, Profile};
use controller::Controller;
use manifests::{DB_PASSWORD, Manifests, NEW_DB_PASSWORD};

/// Builds both programs and walks through the main job.
pub(crate) fn run() -> Result<()> {
    println!("building seal and seal-controller (release)");
    let programs = workspace::programs(Profile::Release)?;
    let folder = tempfile::Builder::new()
        .prefix("seal-demo-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let walk = Walk {
        programs,
        folder: folder.path().to_owned(),
    };
    walk.all()?;
    println!("\nevery step was checked");
    Ok(())
}

/// The walk: the programs, and the folder it happens in.
struct Walk {
    programs: PathBuf,
    folder: PathBuf,
}

impl Walk {
    fn all(&self) -> Result<()> {
        let controller = Controller::start(&self.programs.join("seal-controller"), &self.store())?;
        self.keys_are_made(&controller)?;
        let manifests = self.cleartext()?;
        self.secrets_are_sealed(&manifests)?;
        self.controller_makes_secrets(&manifests)?;
        self.value_is_changed()?;
        self.drift_is_repaired()?;
        self.moved_file_is_refused()?;
        controller.stop()?;
        self.one_pass_tells()
    }

    /// The folder of the controller.
    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    fn sealed(&self) -> PathBuf {
        self.store().join("sealed/shop.yaml")
    }

    fn secret(&self, name: &str) -> PathBuf {
        self.store().join(format!("secrets/shop/{name}.yaml"))
    }

    /// Runs `seal` in the folder, with text on its standard input.
    fn seal(&self, arguments: &[&str], input: &str) -> Result<Vec<u8>> {
        let mut command = Command::new(self.programs.join("seal"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SEAL"))
        {
            command.env_remove(name);
        }
        say(&format!("$ seal {}", arguments.join(" ")));
        let mut child = command.spawn().context("cannot start seal")?;
        child
            .stdin
            .take()
            .context("seal has an input")?
            .write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "seal {} ended with {}",
            arguments.join(" "),
            output.status
        );
        Ok(output.stdout)
    }

    fn keys_are_made(&self, controller: &Controller) -> Result<()> {
        step("the controller makes its first key, and the certificate is pinned");
        let keys = fs::read_dir(self.store().join("keys"))?.count();
        ensure!(keys == 1, "one key was expected, {keys} files are there");
        self.seal(
            &[
                "cert",
                "pin",
                &controller.url(),
                "--output",
                "seal-cert.pem",
            ],
            "",
        )?;
        let pinned = fs::read_to_string(self.folder.join("seal-cert.pem"))?;
        ensure!(
            pinned.starts_with("seal pin: "),
            "the certificate file holds no pin"
        );
        Ok(())
    }

    /// Three Secrets as people have them. The TLS pair is a real one.
    fn cleartext(&self) -> Result<Manifests> {
        self.seal(
            &["keys", "new", "--output", "pair.yaml", "--name", "pair"],
            "",
        )?;
        Manifests::new(&fs::read_to_string(self.folder.join("pair.yaml"))?)
    }

    fn secrets_are_sealed(&self, manifests: &Manifests) -> Result<()> {
        step(
            "three Secrets are sealed: a database login with a binary value, registry credentials, a TLS pair",
        );
        let sealed = self.seal(
            &["encrypt", "-", "--cert", "seal-cert.pem"],
            &manifests.text(),
        )?;
        let sealed = String::from_utf8(sealed)?;
        ensure!(
            sealed.matches("kind: SealedSecret").count() == 3,
            "three SealedSecrets were expected"
        );
        for value in manifests.cleartext() {
            ensure!(!sealed.contains(value), "the sealed file holds cleartext");
        }
        fs::write(self.sealed(), &sealed)?;
        show("sealed/shop.yaml holds no cleartext; it begins", &sealed, 9);
        Ok(())
    }

    fn controller_makes_secrets(&self, manifests: &Manifests) -> Result<()> {
        step("the controller turns them into Secrets");
        for (name, values) in manifests.expected() {
            for value in values {
                wait_for(&self.secret(name), &value)?;
            }
            say(&format!("secrets/shop/{name}.yaml is right"));
        }
        Ok(())
    }

    fn value_is_changed(&self) -> Result<()> {
        step("a value is changed and sealed again, without opening anything");
        let before = fs::read_to_string(self.sealed())?;
        let arguments = [
            "set",
            "store/sealed/shop.yaml",
            "--name",
            "db",
            "--from-file",
            "password=-",
            "--cert",
            "seal-cert.pem",
        ];
        self.seal(&arguments, NEW_DB_PASSWORD.text)?;
        let after = fs::read_to_string(self.sealed())?;
        let changed = before
            .lines()
            .zip(after.lines())
            .filter(|(old, new)| old != new)
            .count();
        ensure!(
            before.lines().count() == after.lines().count(),
            "no line was to come or go"
        );
        ensure!(
            changed == 2,
            "the item and its line were to change, {changed} lines did"
        );
        say("2 lines of the file changed: the item and what is known of it");
        wait_for(&self.secret("db"), NEW_DB_PASSWORD.base64)
    }

    fn drift_is_repaired(&self) -> Result<()> {
        step("somebody changes the Secret by hand; the controller repairs it");
        let path = self.secret("db");
        let right = fs::read_to_string(&path)?;
        fs::write(
            &path,
            right.replace(NEW_DB_PASSWORD.base64, DB_PASSWORD.base64),
        )?;
        wait_for(&path, NEW_DB_PASSWORD.base64)?;
        say("secrets/shop/db.yaml is right again");
        Ok(())
    }

    fn moved_file_is_refused(&self) -> Result<()> {
        step(
            "the sealed file is moved to another namespace; the controller refuses it and says why",
        );
        let stolen =
            fs::read_to_string(self.sealed())?.replace("namespace: shop", "namespace: elsewhere");
        fs::write(self.stolen(), stolen)?;
        let status = self.store().join("status/status.yaml");
        wait_for(&status, "reason: SealedForAnotherNamespace")?;
        let text = fs::read_to_string(&status)?;
        let message = text
            .lines()
            .find(|line| line.contains("sealed for shop/db, found in elsewhere/db"));
        let message = message.context("the message was to name both places")?;
        say(&format!("status: {}", message.trim()));
        ensure!(
            !self.store().join("secrets/elsewhere").exists(),
            "no Secret was to be made there"
        );
        Ok(())
    }

    fn stolen(&self) -> PathBuf {
        self.store().join("sealed/stolen.yaml")
    }

    fn one_pass_tells(&self) -> Result<()> {
        step("one pass tells by its exit code whether all is well, as CI needs it");
        ensure!(
            self.one_pass()? == Some(3),
            "a refused object was to end with 3"
        );
        fs::remove_file(self.stolen())?;
        ensure!(self.one_pass()? == Some(0), "without it all was to be well");
        Ok(())
    }

    fn one_pass(&self) -> Result<Option<i32>> {
        say("$ seal-controller --directory store --once");
        let mut command = Command::new(self.programs.join("seal-controller"));
        command
            .arg("--directory")
            .arg(self.store())
            .arg("--once")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(command.status()?.code())
    }
}

fn step(text: &str) {
    println!("\n== {text}");
}

fn say(text: &str) {
    println!("   {text}");
}

fn show(title: &str, text: &str, lines: usize) {
    say(title);
    for line in text.lines().take(lines) {
        println!("   | {}", line.chars().take(100).collect::<String>());
    }
}

/// Waits until a file holds a text.
fn wait_for(path: &Path, text: &str) -> Result<()> {
    controller::eventually(|| {
        fs::read_to_string(path).is_ok_and(|contents| contents.contains(text))
    })
    .with_context(|| format!("{} never became as expected", path.display()))
}
