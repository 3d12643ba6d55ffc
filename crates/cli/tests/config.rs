//! Settings from a file, the environment and what is typed; logs for programs.

mod common;

use std::fs;

use common::index::Place;
use common::{run, run_json, sensorium};
use serde_json::{Value, json};

#[test]
fn a_file_sets_what_is_neither_typed_nor_in_the_environment() {
    let place = Place::new();
    let file = place.media.with_file_name("sensorium.toml");
    fs::write(&file, "index = 'elsewhere'\nmax-pixels = 1000\n").unwrap();
    let with_file = || {
        let mut command = sensorium();
        command.env_remove("SENSORIUM_INDEX").arg("--config").arg(&file);
        command
    };
    fs::write(place.media.join("a.txt"), "A red boat.").unwrap();
    let (_, said) = run(with_file().arg("index").arg(&place.media), 3);
    assert!(said.contains("limit of 1000 pixels"), "{said}");
    let elsewhere = place.media.with_file_name("elsewhere");
    assert!(elsewhere.exists(), "folders are relative to the file");

    let told = run_json(with_file().args(["config", "--json"]), 0);
    assert_eq!((&told["found"], &told["file"]), (&json!(true), &json!(file)));
    let settings = &told["settings"];
    assert_eq!(
        (&settings["index"]["values"], &settings["index"]["from"]),
        (&json!([elsewhere]), &json!("file"))
    );
    assert_eq!(settings["model"]["from"], "environment");
    assert_eq!(
        (&settings["port"]["values"], &settings["port"]["from"]),
        (&json!(["7700"]), &json!("default"))
    );
    let mut environment = with_file();
    environment
        .env("SENSORIUM_MAX_PIXELS", "5")
        .args(["config", "--json"]);
    let told = run_json(&mut environment, 0);
    assert_eq!(told["settings"]["max-pixels"]["values"], json!(["5"]));

    let (table, _) = run(with_file().arg("config"), 0);
    assert!(
        table.contains("elsewhere") && table.contains("SENSORIUM_MAX_PIXELS"),
        "{table}"
    );
}

#[test]
fn a_wrong_file_is_named_with_what_is_wrong() {
    let place = Place::new();
    let file = place.media.with_file_name("sensorium.toml");
    let said = |text: &str| {
        fs::write(&file, text).unwrap();
        let (_, said) = run(sensorium().arg("--config").arg(&file).args(["serve"]), 2);
        assert!(said.contains("sensorium.toml"), "{said}");
        said
    };
    assert!(said("prot = 1").contains("prot"));
    assert!(said("port = 'many'").contains("--port"));
    assert!(said("port = ").contains("line 1"));
    fs::remove_file(&file).unwrap();
    let (_, said) = run(sensorium().arg("--config").arg(&file).arg("status"), 2);
    assert!(said.contains("No such file"), "{said}");
}

#[test]
fn logs_are_objects_when_programs_read_them() {
    let place = Place::new();
    fs::write(place.media.join("a.txt"), "A red boat.").unwrap();
    let mut command = sensorium();
    command.args(["index", "-vv", "--log-format", "json", "--json", "--index"]);
    let (_, logged) = run(command.arg(&place.index).arg(&place.media), 0);
    let lines: Vec<Value> = logged
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert!(!lines.is_empty(), "{logged}");
    assert!(
        lines
            .iter()
            .all(|line| line["level"].is_string() && line["message"].is_string())
    );
}
