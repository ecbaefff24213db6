//! The asynchronous client of the image and identity APIs.
