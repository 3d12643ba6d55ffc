//! Texts in the model's space.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sensorium_types::Embedding;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Json;
use crate::problem::{Problem, Problems, Result};
use crate::state::App;

/// Texts of a request.
const MOST: usize = 64;

/// Characters of a text.
const LONGEST: usize = 10_000;

/// Texts to be embedded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    /// Texts of 1 to 10,000 characters that are not all blank.
    #[schema(min_items = 1, max_items = 64)]
    texts: Vec<String>,
    #[serde(default)]
    encoding: Encoding,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// As lists of numbers.
    #[default]
    Float,
    /// As base64 of their little-endian 32-bit floats.
    Base64,
}

/// Vectors of texts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Embeddings {
    /// The space that they are of.
    space: String,
    /// How many components each has.
    dimension: usize,
    /// One of each text.
    vectors: Vec<Vector>,
}

/// A vector.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Vector {
    /// Its components.
    Numbers(Vec<f32>),
    /// Base64.
    Packed(String),
}

/// The vectors of texts.
#[utoipa::path(post, path = "/embed", tag = "search", request_body = Texts,
    responses((status = 200, body = Embeddings), Problems))]
pub(crate) async fn embed(
    State(app): State<Arc<App>>,
    Json(Texts { texts, encoding }): Json<Texts>,
) -> Result<axum::Json<Embeddings>> {
    if !(1..=MOST).contains(&texts.len()) {
        return Err(Problem::bad_request(format!(
            "from 1 to {MOST} texts are embedded at a time"
        )));
    }
    if texts
        .iter()
        .any(|text| text.trim().is_empty() || text.chars().count() > LONGEST)
    {
        return Err(Problem::bad_request(format!(
            "a text must have from 1 to {LONGEST} characters"
        )));
    }
    let embeddings = app.search.embed(texts).await?;
    let vector = |embedding: Embedding| match encoding {
        Encoding::Float => Vector::Numbers(embedding.as_slice().to_vec()),
        Encoding::Base64 => {
            let bytes: Vec<u8> = embedding
                .as_slice()
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            Vector::Packed(STANDARD.encode(bytes))
        }
    };
    Ok(axum::Json(Embeddings {
        space: app.space.clone(),
        dimension: embeddings
            .first()
            .map_or(0, |embedding| embedding.as_slice().len()),
        vectors: embeddings.into_iter().map(vector).collect(),
    }))
}
