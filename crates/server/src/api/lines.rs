//! What is said and to be read in an item.

use std::sync::Arc;

use axum::extract::State;
use sensorium_types::Line;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query, cursor, item_id, limit};
use crate::about::{lines_of, stored};
use crate::problem::{Problems, Result};
use crate::state::App;

const MOST: usize = 1000;

/// A page of lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lines {
    lines: Vec<Line>,
    /// How many there are in all.
    total: usize,
    /// The cursor of the next page; null when this is the last.
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// How many are wanted; 1000 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next` of an earlier page.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// The words of an item, line by line: first what is said, then what is to be read, each in the order of time.
#[utoipa::path(get, path = "/items/{id}/lines", tag = "items",
    params(("id" = sensorium_types::ItemId, Path, description = "The id of the item"), Page),
    responses((status = 200, body = Lines), Problems))]
pub(crate) async fn lines(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<axum::Json<Lines>> {
    let id = item_id(&id)?;
    let limit = limit(page.limit, MOST, MOST)?;
    let from = cursor(page.cursor.as_deref())?.unwrap_or(0);
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let all = app
        .readers
        .read(move |catalog| lines_of(&stored(catalog, id)?, catalog))
        .await?;
    Ok(axum::Json(Lines::of(all, from, limit)))
}

impl Lines {
    /// At most `limit` of `all`, behind the first `from`.
    fn of(all: Vec<Line>, from: usize, limit: usize) -> Self {
        let total = all.len();
        let to = from.saturating_add(limit);
        Self {
            lines: all.into_iter().skip(from).take(limit).collect(),
            total,
            next: (to < total).then(|| to.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use sensorium_types::{Segment, Track};

    use super::*;

    #[test]
    fn pages_join_without_gap_or_twin_and_the_last_has_no_next() {
        let all: Vec<Line> = (0..5)
            .map(|number| Line {
                segment: Segment::whole(Track::Audio),
                text: number.to_string(),
            })
            .collect();
        let page = |from, limit| {
            let page = Lines::of(all.clone(), from, limit);
            let texts: String = page.lines.into_iter().map(|line| line.text).collect();
            (texts, page.total, page.next)
        };
        assert_eq!(page(0, 2), ("01".to_owned(), 5, Some("2".to_owned())));
        assert_eq!(page(2, 3), ("234".to_owned(), 5, None));
        assert_eq!(page(usize::MAX, 3), (String::new(), 5, None));
    }
}
