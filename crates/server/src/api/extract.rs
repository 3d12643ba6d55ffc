//! What requests hold; what is wrong with it is a problem.

use axum::extract::{FromRequest, FromRequestParts};
use sensorium_types::{ItemId, Modality};

use crate::problem::{Problem, Result};

/// A body of JSON.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(crate) struct Json<T>(pub(crate) T);

/// What stands behind `?`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub(crate) T);

/// A part of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

/// The item called `name`.
pub(crate) fn item_id(name: &str) -> Result<ItemId> {
    name.parse()
        .map_err(|error: sensorium_types::BadItemId| Problem::bad_request(error.to_string()))
}

/// `image,video` as modalities, each once; all when nothing is said.
pub(crate) fn modalities(list: Option<&str>) -> Result<Vec<Modality>> {
    let names = list
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let wanted = names
        .map(|name| {
            name.parse::<Modality>()
                .map_err(|error| Problem::bad_request(error.to_string()))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Modality::each_once(&wanted))
}

/// How many are wanted: `given`, or `usual`.
pub(crate) fn limit(given: Option<usize>, usual: usize, most: usize) -> Result<usize> {
    match given.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(Problem::bad_request(format!("limit must be from 1 to {most}"))),
    }
}

/// The number in a cursor, which an earlier answer gave as `next`.
pub(crate) fn cursor(text: Option<&str>) -> Result<Option<u64>> {
    let wrong = || Problem::bad_request("this cursor was not given as `next` by an earlier answer");
    text.map(|text| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().map_err(|_| wrong()),
        false => Err(wrong()),
    })
    .transpose()
}
