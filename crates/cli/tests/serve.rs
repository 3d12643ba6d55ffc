//! `sensorium serve`, as its clients see it.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use common::checkout;
use common::index::Place;

/// What is in the index of most tests.
const MEDIA: [&str; 5] = [
    "photos/hen.webp",
    "photos/lion.jpg",
    "sounds/cow.ogg",
    "videos/hen-made-from-photo.mp4",
    "videos/cow-made-from-photo.mp4",
];

/// A server and the place that it serves.
struct Server {
    place: Place,
    child: Child,
    address: String,
    agent: Agent,
}

/// Runs its arguments, and tells them to end when the standard input does: with the process that started it, however that ends.
const UNTIL_THE_END: &str = "\"$@\" & server=$!; read -r _; kill $server; wait $server";

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl Server {
    /// Of some of the demo pack.
    fn of_demo(options: &[&str]) -> Self {
        let place = Place::new();
        for path in MEDIA {
            let from = checkout().join("demo").join(path);
            fs::copy(&from, place.media.join(from.file_name().unwrap())).unwrap();
        }
        place.index(0);
        Self::of(place, options)
    }

    fn of(place: Place, options: &[&str]) -> Self {
        let mut child = common::sensorium_in_shell(UNTIL_THE_END)
            .args(["serve", "--json", "--port", "0", "--index"])
            .arg(&place.index)
            .arg("--cache")
            .arg(place.media.with_file_name("cache"))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let started: Value = serde_json::from_str(&line).unwrap();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            place,
            child,
            address: started["address"].as_str().unwrap().to_owned(),
            agent: agent.into(),
        }
    }

    /// Tells it to end, and waits for that.
    fn end(&mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().unwrap()
    }

    fn url(&self, path: &str) -> String {
        match path.starts_with('/') {
            true => format!("{}{path}", self.address),
            false => format!("{}/api/v1/{path}", self.address),
        }
    }

    fn get(&self, path: &str) -> Response<Body> {
        self.get_with(path, &[])
    }

    fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let request = self.agent.get(self.url(path));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .call()
            .unwrap()
    }

    fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Response<Body> {
        let request = self.agent.post(self.url(path));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .send_json(body)
            .unwrap()
    }

    fn json(&self, path: &str) -> Value {
        read(self.get(path), 200)
    }

    fn search(&self, query: Value) -> Value {
        read(self.post_with("search", &query, &[]), 200)
    }

    /// Uploads `bytes`, called `name`.
    fn upload(&self, name: &str, bytes: &[u8]) -> Response<Body> {
        self.send_form("uploads", &[("file", name, bytes)])
    }

    /// Sends a form; each field has its name, the file's name and the file.
    fn send_form(&self, path: &str, fields: &[(&str, &str, &[u8])]) -> Response<Body> {
        let mut body = Vec::new();
        for (field, name, bytes) in fields {
            let head = format!(
                "--edge\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
                 content-type: application/octet-stream\r\n\r\n"
            );
            body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
        }
        body.extend(b"--edge--\r\n");
        let request = self.agent.post(self.url(path));
        request
            .header("content-type", "multipart/form-data; boundary=edge")
            .send(&body)
            .unwrap()
    }

    /// The first item of `modality` that `words` find.
    fn first(&self, words: &str, modality: &str) -> String {
        let found = self.json(&format!("search?q={words}&to={modality}&limit=1"));
        found["hits"][0]["item"].as_str().unwrap().to_owned()
    }
}

/// The JSON of an answer with this status.
fn read(mut response: Response<Body>, status: u16) -> Value {
    let text = response.body_mut().read_to_string().unwrap();
    assert_eq!(response.status(), status, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The detail of a problem with this status, which is one as RFC 9457 has it.
fn problem(response: Response<Body>, status: u16) -> String {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem = read(response, status);
    assert_eq!(problem["status"], status);
    problem["detail"].as_str().unwrap().to_owned()
}

/// One server for all tests that change nothing.
static DEMO: LazyLock<Server> = LazyLock::new(|| Server::of_demo(&["--queue", "64"]));

fn names(found: &Value) -> Vec<&str> {
    let hits = found["hits"].as_array().unwrap();
    hits.iter()
        .map(|hit| hit["media"]["name"].as_str().unwrap())
        .collect()
}

#[test]
fn words_find_pictures_and_say_what_they_are() {
    let found = DEMO.json("search?q=a%20brown%20hen&to=image&limit=2");
    assert_eq!(names(&found), ["hen.webp", "lion.jpg"]);
    let hit = &found["hits"][0];
    assert_eq!(
        (&hit["modality"], &hit["media"]["playable"]),
        (&json!("image"), &json!(true))
    );
    assert!(hit["score"].as_f64() > found["hits"][1]["score"].as_f64());
    assert_eq!(found["no_match"], false);
}

#[test]
fn an_uploaded_picture_finds_text_and_an_uploaded_sound_the_video_it_belongs_to() {
    let demo = |path: &str| fs::read(checkout().join("demo").join(path)).unwrap();
    let picture = read(DEMO.upload("what.webp", &demo("photos/hen.webp")), 201);
    assert_eq!(
        (&picture["modality"], &picture["name"]),
        (&json!("image"), &json!("what.webp"))
    );
    let query = json!({"parts": [{"upload": picture["upload"]}], "to": ["text"], "limit": 1});
    assert_eq!(DEMO.search(query)["hits"][0]["text"], "A brown hen walks about.");

    let sound = read(DEMO.upload("moo.ogg", &demo("sounds/cow.ogg")), 201);
    let query = json!({"parts": [{"upload": sound["upload"]}], "to": ["video"], "moments": true});
    let found = DEMO.search(query);
    assert_eq!(names(&found)[0], "cow-made-from-photo.mp4");
    assert!(found["hits"][0]["moments"].is_array());
}

#[test]
fn parts_have_weights_and_may_be_unwanted_and_answers_say_why() {
    let query = json!({
        "parts": [{"text": "a brown hen", "weight": 2}, {"text": "a lion", "without": true}],
        "to": ["image"], "explain": true,
    });
    let found = DEMO.search(query);
    assert_eq!(names(&found)[0], "hen.webp");
    let why = &found["hits"][0]["explain"];
    assert!(why["heat_map"]["png"].is_string(), "{why}");
    assert_eq!(why["words"][0]["word"], "a");
}

#[test]
fn pages_of_answers_and_of_items_join_without_gap_or_twin() {
    let all = names(&DEMO.json("search?q=hen&limit=9")).join(" ");
    let (mut joined, mut ranks) = (Vec::new(), Vec::new());
    let mut next = String::new();
    for _ in 0..3 {
        let page = DEMO.json(&format!("search?q=hen&limit=3{next}"));
        joined.extend(names(&page).into_iter().map(str::to_owned));
        ranks.extend(
            page["hits"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hit| hit["rank"].as_u64().unwrap()),
        );
        next = match &page["next"] {
            Value::String(cursor) => format!("&cursor={cursor}"),
            _ => break,
        };
    }
    assert_eq!(joined.join(" "), all);
    assert!(ranks.is_sorted() && ranks[0] == 1);

    let whole = DEMO.json("items?limit=100");
    let page = DEMO.json("items?limit=4");
    let rest = DEMO.json(&format!(
        "items?limit=100&cursor={}",
        page["next"].as_str().unwrap()
    ));
    let items = |page: &Value| page["items"].as_array().unwrap().clone();
    assert_eq!([items(&page), items(&rest)].concat(), items(&whole));
    assert_eq!(
        (&whole["total"], &whole["next"]),
        (&json!(items(&whole).len()), &json!(null))
    );
    let videos = DEMO.json("items?modality=video&where=duration%20%3E%200.1");
    assert_eq!(videos["total"], 2);
}

#[test]
fn an_item_is_told_shown_and_compared() {
    let video = DEMO.first("cow", "video");
    let item = DEMO.json(&format!("items/{video}"));
    assert_eq!(item["media"]["name"], "cow-made-from-photo.mp4");
    let parts = DEMO.json(&format!("items/{video}/segments"));
    assert!(
        parts["segments"]
            .as_array()
            .unwrap()
            .iter()
            .any(|part| part["track"] == "audio")
    );
    let similar = DEMO.json(&format!("items/{video}/similar?to=audio"));
    assert_eq!(names(&similar)[0], "cow.ogg");

    let kind = |path: String| {
        let response = DEMO.get(&path);
        assert_eq!(response.status(), 200, "{path}");
        response.headers()["content-type"].to_str().unwrap().to_owned()
    };
    assert_eq!(
        kind(format!("items/{video}/thumbnail?size=200&at=0.5")),
        "image/jpeg"
    );
    assert_eq!(kind(format!("items/{video}/waveform")), "image/svg+xml");
    assert_eq!(kind(format!("items/{video}/media")), "video/mp4");
    let since = Instant::now();
    while DEMO.get(&format!("items/{video}/preview")).status() == 202 {
        assert!(since.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(kind(format!("items/{video}/preview")), "video/mp4");
    let points = DEMO.json("map");
    assert_eq!(
        points["points"].as_array().unwrap().len() as u64,
        points["total"].as_u64().unwrap()
    );
}

/// A server on a picture in which words are to be read, and on one without.
fn of_signs() -> Server {
    let place = Place::empty();
    let sign = checkout().join("crates/model/tests/print/sign.png");
    fs::copy(sign, place.media.join("sign.png")).unwrap();
    fs::copy(
        checkout().join("demo/photos/hen.webp"),
        place.media.join("hen.webp"),
    )
    .unwrap();
    common::run_json(
        place
            .command("index")
            .arg(&place.media)
            .args(["--print", "--json"]),
        0,
    );
    Server::of(place, &[])
}

/// What a tool for assistants tells.
fn told_by_tool(server: &Server, name: &str, arguments: &Value) -> Value {
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    });
    let headers = [
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2025-06-18"),
    ];
    read(server.post_with("/mcp", &call, &headers), 200)["result"]["structuredContent"].clone()
}

#[test]
fn words_to_be_read_in_a_picture_are_found_told_whole_and_in_pages() {
    let server = of_signs();
    let parking = json!({"track": "visual", "text": "NO PARKING"});
    let hours = json!({"track": "visual", "text": "8 am to 6 pm"});
    let found = server.json("search?q=parking");
    assert_eq!(names(&found)[0], "sign.png");
    assert_eq!(found["hits"][0]["lines"], json!([parking]));

    let sign = found["hits"][0]["item"].as_str().unwrap();
    assert_eq!(server.json(&format!("items/{sign}"))["lines_total"], 2);
    let lines = |options: &str| server.json(&format!("items/{sign}/lines{options}"));
    assert_eq!(
        lines(""),
        json!({"lines": [parking, hours], "total": 2, "next": null})
    );
    let first = lines("?limit=1");
    assert_eq!(first, json!({"lines": [parking], "total": 2, "next": "1"}));
    assert_eq!(
        lines("?limit=1&cursor=1"),
        json!({"lines": [hours], "total": 2, "next": null})
    );
    assert_eq!(lines("?cursor=99")["lines"], json!([]));

    let hen = server.first("a%20brown%20hen", "image");
    let nothing = json!({"lines": [], "total": 0, "next": null});
    assert_eq!(server.json(&format!("items/{hen}/lines")), nothing);
    let wrong = |options: &str| problem(server.get(&format!("items/{sign}/lines?{options}")), 400);
    assert!(wrong("limit=1001").contains("1 to 1000"));
    assert!(wrong("cursor=x").contains("cursor"));
    let unknown = format!("items/b3:{}/lines", "0".repeat(64));
    assert!(problem(server.get(&unknown), 404).contains("not there"));

    let told = told_by_tool(&server, "search", &json!({"text": "parking"}));
    assert_eq!(told["hits"][0]["lines"], json!([parking]));
    let told = told_by_tool(&server, "get_item", &json!({"item": sign}));
    assert_eq!(
        (&told["lines"], &told["lines_total"]),
        (&json!([parking, hours]), &json!(2))
    );
}

#[test]
fn a_file_is_sent_in_ranges_and_not_again_when_it_is_known() {
    let path = format!("items/{}/media", DEMO.first("hen", "image"));
    let whole = fs::read(checkout().join("demo/photos/hen.webp")).unwrap();
    let mut response = DEMO.get(&path);
    assert_eq!(response.body_mut().read_to_vec().unwrap(), whole);
    let tag = response.headers()["etag"].to_str().unwrap().to_owned();
    let known = DEMO.get_with(&path, &[("if-none-match", &tag)]);
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);

    let range = |range: &str| {
        let mut response = DEMO.get_with(&path, &[("range", range)]);
        (
            response.status().as_u16(),
            response.body_mut().read_to_vec().unwrap(),
        )
    };
    assert_eq!(range("bytes=10-19"), (206, whole[10..20].to_vec()));
    assert_eq!(range("bytes=-5"), (206, whole[whole.len() - 5..].to_vec()));
    assert_eq!(range("bytes=999999999-").0, 416);
    assert_eq!(range("nonsense").0, 200);
}

#[test]
fn what_is_wrong_is_said_as_a_problem() {
    let post = |body: Value| DEMO.post_with("search", &body, &[]);
    assert!(problem(DEMO.get("search?q=a&where=size%20%3E%3E%201"), 400).contains("comparison"));
    assert!(problem(post(json!({"parts": []})), 400).contains("it has no part"));
    assert!(problem(post(json!({"parts": [{"text": "a", "upload": "b"}]})), 400).contains("one of"));
    assert!(problem(post(json!({"parts": [{"upload": "u-1"}]})), 404).contains("again"));
    assert!(problem(post(json!({"parts": [{"text": "a"}], "lmit": 3})), 422).contains("lmit"));
    assert!(problem(DEMO.get("search?q=a&limit=0"), 400).contains("1 to 200"));
    assert!(problem(DEMO.get("search?q=a&cursor=x"), 400).contains("cursor"));
    assert!(problem(DEMO.get("items/b3:1"), 400).contains("is not an item"));
    let unknown = format!("items/b3:{}", "0".repeat(64));
    assert!(problem(DEMO.get(&unknown), 404).contains("not there"));
    assert!(problem(DEMO.get("items/..%2f..%2fetc%2fpasswd/media"), 400).contains("is not an item"));
    assert!(problem(DEMO.get("nothing"), 404).contains("not there"));
    assert!(problem(DEMO.get("jobs/7"), 404).contains("no job"));
    assert!(problem(DEMO.post_with("status", &json!({}), &[]), 405).contains("cannot be done"));
}

#[test]
fn an_upload_that_is_no_medium_is_refused_and_none_is_ever_served() {
    assert!(problem(DEMO.upload("a.jpg", b"PK\x03\x04 a zip"), 415).contains("ZIP"));
    assert!(problem(DEMO.upload("a.jpg", b""), 400).contains("empty"));
    let damaged = [b"\xff\xd8\xff\xe0".as_slice(), &[7; 500]].concat();
    problem(DEMO.upload("a.jpg", &damaged), 415);
    // What could run as a script is text to us; nothing leads to the file.
    let page = read(
        DEMO.upload("a.html", b"<html><script>alert(1)</script>a hen</html>"),
        201,
    );
    assert_eq!(page["modality"], "text");
    let id = page["upload"].as_str().unwrap();
    for path in [format!("uploads/{id}"), format!("items/{id}/media")] {
        assert!(DEMO.get(&path).status().is_client_error());
    }
    let small = Server::of(Place::empty(), &["--max-upload", "1000"]);
    assert!(problem(small.upload("a.jpg", &[1; 2000]), 413).contains("1000 bytes"));
}

#[test]
fn only_what_was_indexed_and_is_still_the_same_is_served() {
    let server = Server::of_demo(&[]);
    let item = server.first("hen", "image");
    let path = format!("items/{item}/media");
    let file = server.place.media.join("hen.webp");
    fs::write(&file, "another content").unwrap();
    assert!(problem(server.get(&path), 404).contains("changed"));
    let secret = server.place.media.with_file_name("secret.txt");
    fs::write(&secret, "a secret").unwrap();
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&secret, &file).unwrap();
    for kind in ["media", "thumbnail", "preview"] {
        problem(server.get(&format!("items/{item}/{kind}")), 404);
    }
}

#[test]
fn pages_of_other_origins_and_other_names_are_refused() {
    let body = json!({"paths": []});
    for headers in [
        [("origin", "http://evil.example")],
        [("sec-fetch-site", "cross-site")],
        [("host", "evil.example")],
    ] {
        let detail = problem(DEMO.post_with("jobs", &body, &headers), 403);
        assert!(detail.contains("other") || detail.contains("name"), "{detail}");
    }
    problem(DEMO.get_with("status", &[("host", "evil.example")]), 403);
    let response = DEMO.get("status");
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    assert!(response.headers().get("access-control-allow-origin").is_none());
}

#[test]
fn a_key_allows_what_it_was_made_for_and_a_browser_shows_it_once() {
    let new = |access: &str| common::run_json(common::sensorium().args(["key", access, "--json"]), 0);
    let (reader, writer) = (new("read"), new("write"));
    let hashes = [&reader, &writer].map(|key| key["hash"].as_str().unwrap().to_owned());
    let server = Server::of(Place::new(), &["--key", &hashes[0], "--key", &hashes[1]]);
    let bearer = |key: &Value| format!("Bearer {}", key["key"].as_str().unwrap());
    assert!(problem(server.get("status"), 401).contains("key"));
    assert!(
        problem(
            server.get_with("status", &[("authorization", "Bearer sk-wrong")]),
            401
        )
        .contains("key")
    );
    assert_eq!(server.get("/healthz").status(), 200);
    assert_eq!(server.get("/metrics").status(), 401);
    let by = |key: &Value| {
        read(server.get_with("status", &[("authorization", &bearer(key))]), 200)["access"].clone()
    };
    assert_eq!((by(&reader), by(&writer)), (json!("read"), json!("write")));
    let body = json!({"paths": []});
    problem(
        server.post_with("jobs", &body, &[("authorization", &bearer(&reader))]),
        403,
    );
    read(
        server.post_with("jobs", &body, &[("authorization", &bearer(&writer))]),
        202,
    );

    let begun = server.post_with("session", &json!({"key": reader["key"]}), &[]);
    assert_eq!(begun.status(), 204);
    let cookie = begun.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(server.get_with("status", &[("cookie", &cookie)]).status(), 200);
    problem(server.post_with("jobs", &body, &[("cookie", &cookie)]), 403);
    problem(server.post_with("session", &json!({"key": "sk-wrong"}), &[]), 401);
}

#[test]
fn no_address_that_others_reach_is_served_without_a_key() {
    let place = Place::empty();
    let mut command = place.command("serve");
    let (_, said) = common::run(command.args(["--host", "0.0.0.0", "--port", "0"]), 1);
    assert!(
        said.contains("sensorium key") && said.contains("127.0.0.1"),
        "{said}"
    );
}

#[test]
fn a_folder_is_indexed_while_the_page_watches_and_forgotten_again() {
    let place = Place::empty();
    place.write("rain.txt", "rain on a roof");
    let server = Server::of(place, &[]);
    assert_eq!(server.json("search?q=rain")["hits"], json!([]));
    let media = server.place.media.to_str().unwrap().to_owned();
    problem(
        server.post_with("jobs", &json!({"paths": ["relative"]}), &[]),
        400,
    );
    problem(
        server.post_with("jobs", &json!({"paths": ["/no/such/folder"]}), &[]),
        400,
    );
    let job = read(server.post_with("jobs", &json!({"paths": [media]}), &[]), 202);
    let mut events = server.get(&format!("jobs/{}/events", job["id"].as_str().unwrap()));
    let events = events.body_mut().read_to_string().unwrap();
    let last = events.lines().rfind(|line| line.starts_with("data:")).unwrap();
    let job: Value = serde_json::from_str(last.trim_start_matches("data:")).unwrap();
    assert_eq!(
        (&job["state"], &job["report"]["added"]),
        (&json!("done"), &json!(1))
    );
    assert_eq!(names(&server.json("search?q=rain")), ["rain.txt"]);
    assert_eq!(server.json("jobs")["jobs"][0], job);
    assert_eq!(server.json("status")["items"]["text"], 1);
    let removed = read(
        server.post_with("remove", &json!({"paths": [server.place.media]}), &[]),
        200,
    );
    assert_eq!(removed["removed"], 1);
    assert_eq!(server.json("search?q=rain")["hits"], json!([]));
    let closed = Server::of(Place::new(), &["--read-only"]);
    problem(closed.post_with("jobs", &json!({"paths": []}), &[]), 403);
}

#[test]
fn texts_become_vectors_in_two_writings() {
    let vectors = |encoding: &str| {
        let body = json!({"texts": ["a hen"], "encoding": encoding});
        read(DEMO.post_with("embed", &body, &[]), 200)
    };
    let numbers = vectors("float");
    let packed = vectors("base64");
    assert_eq!(numbers["dimension"], packed["dimension"]);
    let first: Vec<f32> = serde_json::from_value(numbers["vectors"][0].clone()).unwrap();
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(packed["vectors"][0].as_str().unwrap())
        .unwrap();
    let second: Vec<f32> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect();
    assert_eq!(first, second);
    problem(DEMO.post_with("embed", &json!({"texts": []}), &[]), 400);
}

#[test]
fn when_there_is_more_to_do_than_can_be_done_clients_are_told_to_come_again() {
    let server = Server::of(Place::new(), &["--queue", "2"]);
    let statuses = std::thread::scope(|scope| {
        let ask = |number: usize| {
            let response = server.get(&format!("search?q=hen%20{number}"));
            (
                response.status().as_u16(),
                response.headers().contains_key("retry-after"),
            )
        };
        let asked: Vec<_> = (0..64).map(|number| scope.spawn(move || ask(number))).collect();
        asked
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(
        statuses
            .iter()
            .all(|status| matches!(status, (200, false) | (503, true))),
        "{statuses:?}"
    );
    assert!(
        statuses.contains(&(200, false)) && statuses.contains(&(503, true)),
        "{statuses:?}"
    );
    assert_eq!(server.get("search?q=hen").status(), 200);
}

#[test]
fn a_client_that_sends_nothing_is_dropped_and_holds_up_nobody() {
    let address = DEMO.address.trim_start_matches("http://").to_owned();
    let mut slow = TcpStream::connect(&address).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    assert_eq!(DEMO.get("/healthz").status(), 200);
    slow.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut answer = Vec::new();
    // It is told so or not; the connection ends.
    let _ = slow.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn requests_that_run_are_answered_when_the_server_is_told_to_end() {
    let mut server = Server::of_demo(&[]);
    let (agent, url) = (
        server.agent.clone(),
        server.url("search?q=a%20brown%20hen%20walks&to=image"),
    );
    let asked = std::thread::spawn(move || agent.get(url).call().unwrap().status());
    std::thread::sleep(Duration::from_millis(30));
    assert!(server.end().success());
    assert_eq!(asked.join().unwrap(), 200);
}

#[test]
fn every_route_is_in_the_document_and_figures_are_told() {
    let document = DEMO.json("openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    for path in [
        "search",
        "uploads",
        "items",
        "items/{id}/lines",
        "items/{id}/media",
        "jobs/{id}/events",
        "embed",
        "map",
        "card",
        "session",
    ] {
        assert!(document["paths"][format!("/api/v1/{path}")].is_object(), "{path}");
    }
    DEMO.json("search?q=hen");
    let figures = DEMO.get("/metrics").body_mut().read_to_string().unwrap();
    assert!(
        figures.contains("route=\"/api/v1/search\"") && figures.contains("stage=\"search\""),
        "{figures}"
    );
    assert!(
        DEMO.get("/api/docs/")
            .body_mut()
            .read_to_string()
            .unwrap()
            .contains("swagger")
    );
    assert_eq!(read(DEMO.get("/readyz"), 200)["status"], "ready");
}

#[test]
fn a_question_may_bring_its_files() {
    let hen = fs::read(checkout().join("demo/photos/hen.webp")).unwrap();
    let ask = |fields: &[(&str, &str, &[u8])]| DEMO.send_form("search", fields);
    let query = json!({"parts": [{"file": "bird"}], "to": ["text"], "limit": 1}).to_string();
    let found = read(
        ask(&[("bird", "a.webp", &hen), ("query", "", query.as_bytes())]),
        200,
    );
    assert_eq!(found["hits"][0]["text"], "A brown hen walks about.");
    // The upload can be asked for again, as for more answers.
    let again = json!({"parts": found["query"]["parts"], "to": ["image"], "limit": 1});
    assert_eq!(names(&DEMO.search(again)), ["hen.webp"]);

    let alone = read(ask(&[("file", "a.webp", &hen)]), 200);
    assert!(names(&alone)[..2].contains(&"hen.webp"), "{alone}");

    let lacking = ask(&[("query", "", query.as_bytes())]);
    assert!(problem(lacking, 400).contains("\"bird\""));
    assert!(problem(ask(&[("query", "", b"{")]), 400).contains("query"));
    let many: Vec<(&str, &str, &[u8])> = vec![("file", "a.webp", &hen); 17];
    assert!(problem(ask(&many), 400).contains("16"));
    let formless = DEMO.post_with("search", &json!({"parts": [{"file": "bird"}]}), &[]);
    assert!(problem(formless, 400).contains("multipart"));
}
