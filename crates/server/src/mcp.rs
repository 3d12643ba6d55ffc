//! Sensorium for assistants: tools of the Model Context Protocol, over standard input and output and at `/mcp`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt as _, tool, tool_handler, tool_router};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use sensorium_model::Package;
use sensorium_types::{Line, Modality};
use serde::{Deserialize, Serialize};

use crate::about::{lines_of, stored, text_of};
use crate::api::BODY_BYTES;
use crate::api::extract::item_id;
use crate::api::item::Whole;
use crate::api::media::preview_of;
use crate::api::search::{Part, Search, answer};
use crate::api::status::Status;
use crate::auth::Access;
use crate::previews::{Made, Preview};
use crate::problem::Problem;
use crate::state::App;
use crate::{Error, Settings};

/// What assistants read before they use the tools.
const INSTRUCTIONS: &str = "Searches a collection of pictures, sounds, videos and texts by meaning, across media: words find \
    pictures, a picture finds sounds, and so on. Begin with describe_collection to learn what is there, use search with a short \
    description of what is wanted, and get_item to see a picture or a frame, or to read a text and what is said and to be read in a file. Scores are from 0 to 1; \
    when no_match is true, nothing fits.";

/// Answers of a search.
const USUAL: usize = 10;
const MOST: usize = 50;

/// Characters of a text, or of lines, that are told at once.
const LONGEST_TEXT: usize = 20_000;

/// Passages of a text that are read for that.
const MOST_PASSAGES: usize = 200;

/// Pixels of the longer side of a picture that is shown.
const SIDE: u32 = 640;

/// What the tools work with.
#[derive(Clone)]
pub(crate) struct Tools {
    app: Arc<App>,
    router: ToolRouter<Self>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// What to look for, in words: a short description, as "a dog barks in a yard".
    text: Option<String>,
    /// Ids of items that answers shall be like, beside or instead of the text.
    #[serde(default)]
    like: Vec<String>,
    /// Descriptions of what answers shall not be like.
    #[serde(default)]
    without: Vec<String>,
    /// Kinds of answers; all when there is none.
    #[serde(default)]
    #[schemars(schema_with = "modalities")]
    to: Vec<Modality>,
    /// A condition that answers fulfil, as `taken >= 2024-12 and path ~ "*/holidays/*"`, `duration > 60`, `modality = image`.
    #[serde(rename = "where")]
    condition: Option<String>,
    /// How many answers are wanted, 1 to 50; 10 unless it is said.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<usize>,
    /// Whether sounds and videos say at which seconds they answer.
    #[serde(default = "yes")]
    moments: bool,
    /// Whether the first answers are ranked once more, by attention: slower, better for pictures and longer descriptions.
    #[serde(default)]
    rerank: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// The id of the item, as a search gives it.
    item: String,
    /// Seconds from the beginning of a video at which it is shown; an answer's segment or moment says where to look.
    #[schemars(range(min = 0.0))]
    at: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Alike {
    /// The id of the item, as a search gives it.
    item: String,
    /// Kinds of answers; all when there is none.
    #[serde(default)]
    #[schemars(schema_with = "modalities")]
    to: Vec<Modality>,
    /// How many answers are wanted, 1 to 50; 10 unless it is said.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<usize>,
}

/// An item as an assistant sees it.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    item: Whole,
    /// The whole text, or its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    whole_text: Option<String>,
    /// Whether the text goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    goes_on: Option<bool>,
    /// What is said (on the track audio) and to be read (visual), or its beginning; `lines_total` says how much there is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Line>,
}

fn yes() -> bool {
    true
}

fn modalities(_: &mut SchemaGenerator) -> Schema {
    let names = Modality::ALL.map(Modality::name);
    json_schema!({"type": "array", "items": {"type": "string", "enum": names}})
}

#[tool_router]
impl Tools {
    fn new(app: Arc<App>) -> Self {
        Self {
            app,
            router: Self::tool_router(),
        }
    }

    /// Find pictures, sounds, videos and texts by meaning. Answers come with ids, paths, scores, for sounds and videos moments, and
    /// lines in which words of the query are said (track audio) or to be read (track visual), with their seconds.
    #[tool(annotations(title = "Search by meaning", read_only_hint = true, open_world_hint = false))]
    async fn search(&self, Parameters(wanted): Parameters<Wanted>) -> CallToolResult {
        told(self.found(wanted).await)
    }

    /// Show one item: what is known of it, the picture itself or a frame of the video, what the text says, or what is said and
    /// to be read in it.
    #[tool(annotations(title = "Show an item", read_only_hint = true, open_world_hint = false))]
    async fn get_item(&self, Parameters(which): Parameters<Which>) -> CallToolResult {
        self.shown(which).await.unwrap_or_else(|problem| failed(&problem))
    }

    /// Find items that are like one, of the same or another kind: sounds that go with a picture, texts that describe a video.
    #[tool(annotations(title = "Find what is alike", read_only_hint = true, open_world_hint = false))]
    async fn similar(&self, Parameters(alike): Parameters<Alike>) -> CallToolResult {
        told(self.alike(alike).await)
    }

    /// Tell what the collection holds: how many items of each kind, in which folders, and what could not be read.
    #[tool(annotations(
        title = "Describe the collection",
        read_only_hint = true,
        open_world_hint = false
    ))]
    async fn describe_collection(&self) -> CallToolResult {
        told(Status::of(&self.app, Access::Read).await)
    }
}

impl Tools {
    async fn found(&self, wanted: Wanted) -> Result<impl Serialize, Problem> {
        let text = wanted.text.map(Part::text);
        let like = wanted.like.iter().map(|id| Ok(Part::item(item_id(id)?)));
        let without = wanted.without.into_iter().map(|text| Part {
            without: true,
            ..Part::text(text)
        });
        let parts = text.into_iter().map(Ok).chain(like).chain(without.map(Ok));
        let search = Search {
            to: wanted.to,
            condition: wanted.condition,
            limit: Some(limit(wanted.limit)?),
            moments: wanted.moments,
            rerank: wanted.rerank,
            ..Search::new(parts.collect::<Result<_, Problem>>()?)
        };
        Ok(answer(&self.app, search).await?.0)
    }

    async fn alike(&self, alike: Alike) -> Result<impl Serialize, Problem> {
        let limit = limit(alike.limit)?;
        let search = Search::like(item_id(&alike.item)?, alike.to, Some(limit));
        Ok(answer(&self.app, search).await?.0)
    }

    async fn shown(&self, which: Which) -> Result<CallToolResult, Problem> {
        let id = item_id(&which.item)?;
        let (item, shown) = self
            .app
            .readers
            .read(move |catalog| {
                let item = stored(catalog, id)?;
                let is_text = item.modality == Modality::Text;
                let text = is_text
                    .then(|| text_of(&item, catalog, MOST_PASSAGES))
                    .transpose()?;
                let lines = lines_of(&item, catalog)?;
                let whole = Whole::of(item.clone(), catalog)?;
                Ok((item, Shown::new(whole, text, lines)))
            })
            .await?;
        let mut result = CallToolResult::structured(serde_json::to_value(shown).map_err(Problem::internal)?);
        if matches!(item.modality, Modality::Image | Modality::Video) {
            let preview = Preview::thumbnail(SIDE, which.at.unwrap_or_default());
            if let Made::Ready(path) = preview_of(&self.app, item, preview).await? {
                let picture = tokio::fs::read(path).await.map_err(Problem::internal)?;
                let picture = ContentBlock::image(STANDARD.encode(picture), "image/jpeg");
                result.content.insert(0, picture);
            }
        }
        Ok(result)
    }
}

impl Shown {
    fn new(item: Whole, text: Option<String>, lines: Vec<Line>) -> Self {
        let goes_on = text.as_ref().map(|text| text.chars().count() > LONGEST_TEXT);
        Self {
            item,
            whole_text: text.map(|text| text.chars().take(LONGEST_TEXT).collect()),
            goes_on,
            lines: beginning(lines),
        }
    }
}

/// The first of `lines`, with `LONGEST_TEXT` characters in all.
fn beginning(mut lines: Vec<Line>) -> Vec<Line> {
    let mut left = LONGEST_TEXT;
    let fit = lines.iter().take_while(|line| {
        let rest = left.checked_sub(line.text.chars().count());
        left = rest.unwrap_or_default();
        rest.is_some()
    });
    lines.truncate(fit.count());
    lines
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let this = Implementation::new("sensorium", env!("CARGO_PKG_VERSION")).with_title("Sensorium");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(this)
            .with_instructions(INSTRUCTIONS)
    }
}

fn limit(given: Option<usize>) -> Result<usize, Problem> {
    crate::api::extract::limit(given, USUAL, MOST)
}

/// What a tool tells: its findings, or what was wrong with the question, which an assistant can put right.
fn told<T: Serialize>(found: Result<T, Problem>) -> CallToolResult {
    let value = found.and_then(|found| serde_json::to_value(found).map_err(Problem::internal));
    value.map_or_else(|problem| failed(&problem), CallToolResult::structured)
}

fn failed(problem: &Problem) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(problem.detail())])
}

/// The tools over HTTP, each request by itself.
pub(crate) fn service(app: &Arc<App>) -> StreamableHttpService<Tools, NeverSessionManager> {
    let tools = Tools::new(Arc::clone(app));
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(BODY_BYTES)
        // `check_origin` did that.
        .disable_allowed_hosts();
    StreamableHttpService::new(move || Ok(tools.clone()), Arc::default(), config)
}

/// Answers an assistant on standard input and output until it goes.
///
/// # Errors
/// When the index cannot be used, or what is said is not the protocol.
pub fn serve_on_stdio(settings: &Settings, package: &Arc<Package>) -> Result<(), Error> {
    let app = Arc::new(App::new(settings, package)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let service = Tools::new(app)
            .serve(rmcp::transport::stdio())
            .await
            .map_err(|error| Error::Protocol(error.to_string()))?;
        let ended = service.waiting().await;
        ended
            .map(drop)
            .map_err(|error| Error::Protocol(error.to_string()))
    });
    // The thread that reads the standard input may wait for ever.
    runtime.shutdown_background();
    served
}
