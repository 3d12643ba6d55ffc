//! Text formats to passages.
