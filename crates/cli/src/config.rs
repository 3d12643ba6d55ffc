//! The configuration file: what an option means when neither it nor its environment variable is given.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};
use etcetera::BaseStrategy as _;
use toml::{Table, Value};

/// Largest file that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The file and what it says, by the long names of options.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    /// Where it is, or would be.
    pub(crate) path: Option<PathBuf>,
    values: BTreeMap<String, Vec<String>>,
}

/// What an option is set to, and by what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The option's long name.
    pub(crate) name: String,
    /// The environment variable.
    pub(crate) variable: String,
    /// Its values; none when neither variable nor file sets it and nothing fixed is usual.
    pub(crate) values: Vec<String>,
    pub(crate) from: Origin,
    /// The commands that have it.
    pub(crate) commands: Vec<String>,
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File,
    Environment,
}

impl Origin {
    /// How it is told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
        }
    }
}

impl ConfigFile {
    /// The environment variable that names the file; when it is empty, none is read.
    pub(crate) const VARIABLE: &str = "SENSORIUM_CONFIG";

    /// Reads the file that the arguments, the environment or custom name. That it is not there is an error only where it
    /// was named.
    ///
    /// # Errors
    /// When it cannot be read, or sets what `command` does not know.
    pub(crate) fn find(
        command: &Command,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> anyhow::Result<Self> {
        let named = named(arguments).or_else(|| std::env::var_os(Self::VARIABLE));
        match named {
            Some(none) if none.is_empty() => Ok(Self::default()),
            Some(path) => Self::read(PathBuf::from(path), command),
            None => {
                let Ok(strategy) = etcetera::choose_base_strategy() else {
                    return Ok(Self::default());
                };
                let path = strategy.config_dir().join("sensorium/config.toml");
                match path.exists() {
                    true => Self::read(path, command),
                    false => Ok(Self {
                        path: Some(path),
                        values: BTreeMap::new(),
                    }),
                }
            }
        }
    }

    fn read(path: PathBuf, command: &Command) -> anyhow::Result<Self> {
        let told = || format!("the configuration file {}", path.display());
        let length = std::fs::metadata(&path).with_context(told)?.len();
        if length > MOST_BYTES {
            bail!("{} has {length} bytes, where {MOST_BYTES} are allowed", told());
        }
        let text = std::fs::read_to_string(&path).with_context(told)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let values = parse(&text, folder, command).with_context(told)?;
        Ok(Self {
            path: Some(path),
            values,
        })
    }

    /// `command` with what the file says as defaults.
    pub(crate) fn apply(&self, command: Command) -> Command {
        let set = |argument: Arg| match self.of(&argument) {
            Some(values) => argument.default_values(values.to_vec()),
            None => argument,
        };
        command
            .mut_args(set)
            .mut_subcommands(|subcommand| self.apply(subcommand))
    }

    fn of(&self, argument: &Arg) -> Option<&[String]> {
        let values = self.values.get(argument.get_long()?)?;
        is_setting(argument).then_some(values)
    }

    /// What to say of an `error` that a value of the file caused, as far as can be told.
    pub(crate) fn blamed(&self, error: &clap::Error) -> Option<String> {
        let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
            return None;
        };
        let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
            return None;
        };
        let name = argument.strip_prefix("--")?.split([' ', '=']).next()?;
        let values = self.values.get(name)?;
        let path = self.path.as_ref()?;
        values
            .contains(value)
            .then(|| format!("note: {} sets {name}", path.display()))
    }

    /// All that can be set, with its values, in the order of the names. `command` is as it was before [`apply`](Self::apply).
    pub(crate) fn settings(&self, command: &Command) -> Vec<Setting> {
        let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
        for (owner, argument) in settable(command) {
            let (Some(name), Some(variable)) = (argument.get_long(), argument.get_env()) else {
                continue;
            };
            let setting = settings
                .entry(name.to_owned())
                .or_insert_with(|| self.setting(name, variable, argument));
            setting.commands.extend(owner.map(str::to_owned));
        }
        settings.into_values().collect()
    }

    fn setting(&self, name: &str, variable: &OsStr, argument: &Arg) -> Setting {
        let (values, from) = match (std::env::var_os(variable), self.of(argument)) {
            (Some(value), _) => (vec![value.to_string_lossy().into_owned()], Origin::Environment),
            (None, Some(values)) => (values.to_vec(), Origin::File),
            (None, None) => {
                let usual = argument.get_default_values().iter();
                let usual = usual.map(|value| value.to_string_lossy().into_owned());
                (usual.collect(), Origin::Default)
            }
        };
        Setting {
            name: name.to_owned(),
            variable: variable.to_string_lossy().into_owned(),
            values,
            from,
            commands: Vec::new(),
        }
    }
}

/// The file that `--config` names.
fn named(arguments: impl IntoIterator<Item = OsString>) -> Option<OsString> {
    let mut arguments = arguments.into_iter().take_while(|argument| argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next();
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    None
}

/// Whether `argument` can stand in the file; all can that have a variable, but the file itself.
fn is_setting(argument: &Arg) -> bool {
    argument
        .get_env()
        .is_some_and(|variable| variable != ConfigFile::VARIABLE)
}

/// The options of `command` that can stand in the file, each with the name of its subcommand.
fn settable(command: &Command) -> impl Iterator<Item = (Option<&str>, &Arg)> {
    let own = command.get_arguments().map(|argument| (None, argument));
    let others = command.get_subcommands().flat_map(|subcommand| {
        let arguments = subcommand.get_arguments();
        arguments.map(|argument| (Some(subcommand.get_name()), argument))
    });
    own.chain(others).filter(|(_, argument)| is_setting(argument))
}

/// What `text` sets; folders are relative to `folder`.
fn parse(text: &str, folder: &Path, command: &Command) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let table: Table = text.parse()?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        let known = settable(command).find(|(_, argument)| argument.get_long() == Some(&name));
        let Some((_, argument)) = known else {
            bail!("there is no setting called {name:?}: `sensorium config` lists them");
        };
        let several = matches!(argument.get_action(), ArgAction::Append);
        let given = match value {
            Value::Array(given) if several => given,
            Value::Array(_) => bail!("{name} takes one value, not a list"),
            value => vec![value],
        };
        let given = given.into_iter().map(|value| {
            let text =
                plain(value).with_context(|| format!("{name} takes a text, a number, true or false"))?;
            Ok(match is_folder(argument) {
                true => folder.join(text).to_string_lossy().into_owned(),
                false => text,
            })
        });
        let given = given.collect::<anyhow::Result<_>>()?;
        values.insert(name, given);
    }
    Ok(values)
}

fn plain(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

fn is_folder(argument: &Arg) -> bool {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().any(|name| name == "DIR")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn file(text: &str) -> anyhow::Result<ConfigFile> {
        let command = crate::args::Arguments::command();
        Ok(ConfigFile {
            path: Some("/etc/sensorium.toml".into()),
            values: parse(text, Path::new("/etc"), &command)?,
        })
    }

    fn port(file: &ConfigFile, typed: &[&str]) -> Result<u16, clap::Error> {
        let command = file.apply(crate::args::Arguments::command());
        let matches = command.try_get_matches_from(["sensorium", "serve"].iter().chain(typed))?;
        let serve = matches.subcommand_matches("serve").unwrap();
        Ok(*serve.get_one("port").unwrap())
    }

    #[test]
    fn what_is_typed_counts_before_what_the_file_says() {
        let file = file("port = 8080").unwrap();
        assert_eq!(port(&file, &[]).unwrap(), 8080);
        assert_eq!(port(&file, &["--port", "9090"]).unwrap(), 9090);
        assert_eq!(port(&ConfigFile::default(), &[]).unwrap(), 7700);
    }

    #[test]
    fn lists_switches_and_folders_are_read() {
        let file = file("name = [\"a\", \"b\"]\nread-only = true\nindex = \"data/index\"").unwrap();
        let command = file.apply(crate::args::Arguments::command());
        let matches = command.try_get_matches_from(["sensorium", "serve"]).unwrap();
        let serve = matches.subcommand_matches("serve").unwrap();
        let names: Vec<&String> = serve.get_many("names").unwrap().collect();
        assert_eq!(names, ["a", "b"]);
        assert!(serve.get_flag("read_only"));
        let index: &PathBuf = serve.get_one("index").unwrap();
        assert_eq!(index, Path::new("/etc/data/index"));
    }

    #[test]
    fn what_the_file_gets_wrong_is_told() {
        let unknown = file("prot = 1").unwrap_err().to_string();
        assert!(unknown.contains("\"prot\""), "{unknown}");
        assert!(file("port = [1]").is_err());
        assert!(file("port = 2001-01-01").is_err());
        assert!(file("port = ").is_err());
        assert!(
            file("json = true").is_err(),
            "only what has a variable can be set"
        );
        let wrong = file("port = \"many\"").unwrap();
        let error = port(&wrong, &[]).unwrap_err();
        assert_eq!(
            wrong.blamed(&error).unwrap(),
            "note: /etc/sensorium.toml sets port"
        );
        let typed = port(&wrong, &["--port", "none"]).unwrap_err();
        assert_eq!(wrong.blamed(&typed), None);
    }

    #[test]
    fn settings_tell_where_they_come_from() {
        let command = crate::args::Arguments::command();
        let settings = file("queue = 7").unwrap().settings(&command);
        let queue = settings.iter().find(|setting| setting.name == "queue").unwrap();
        assert_eq!(
            (queue.values.join(","), queue.from),
            ("7".to_owned(), Origin::File)
        );
        assert_eq!(queue.commands, ["serve"]);
        let most = settings
            .iter()
            .find(|setting| setting.name == "max-pixels")
            .unwrap();
        assert_eq!(most.from, Origin::Default);
        assert!(most.commands.contains(&"index".to_owned()));
        assert!(!settings.iter().any(|setting| setting.name == "config"));
    }

    #[test]
    fn the_file_is_named_before_the_arguments_are_read() {
        let find = |typed: &[&str]| named(typed.iter().map(OsString::from));
        assert_eq!(
            find(&["sensorium", "--config", "a.toml", "search"]).unwrap(),
            "a.toml"
        );
        assert_eq!(find(&["sensorium", "search", "--config=b"]).unwrap(), "b");
        assert_eq!(find(&["sensorium", "search", "--", "--config", "b"]), None);
    }
}
