//! What may be typed behind `seal render`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// Render the templates of SealedSecrets, to try them before they are committed.
///
/// Prints the Secrets as the controller makes them. With --key the values are those that were sealed, in cleartext. With
/// --values no key is needed: the items have the values of the file, and one that is not in it stands as <ITEM>, which shows
/// where it went.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true).args(["key", "values"]))]
pub struct RenderArgs {
    /// The file with the SealedSecrets, `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A file with private keys: PEM (PKCS#1 or PKCS#8), or exported key Secrets, also as a List.
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// A file with values to stand in for the sealed ones: a mapping from items to texts. An empty file has none.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// Render functions that are random or read the clock as well, as a controller with this flag does.
    #[arg(long)]
    pub allow_random_functions: bool,
    /// Print the text of this item only, as it is.
    #[arg(long, value_name = "ITEM")]
    pub item: Option<String>,
}
