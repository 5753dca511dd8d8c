//! The chained setters that configurations and builders have, written from a list of their fields.

/// Writes one chained setter for each field that is listed, named after the field.
///
/// Every crate of the workspace writes its setters by this macro, so that all of them look alike.
/// A setter without a comment of its own refers to the comment of the field, which must then be
/// public.
///
/// ```
/// #[derive(Debug, Default)]
/// pub struct Limits {
///     /// Largest body, in bytes. Default: 0.
///     pub body_bytes_max: usize,
///     name: String,
/// }
///
/// prompush_core::config_setters! {
///     Limits {
///         body_bytes_max: usize,
///         /// Sets the name that messages show.
///         name: String,
///     }
/// }
///
/// let limits = Limits::default().body_bytes_max(7).name("small".to_owned());
/// assert_eq!((limits.body_bytes_max, limits.name.as_str()), (7, "small"));
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! config_setters {
    ($config:ty { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? }) => {
        impl $config {
            $($crate::config_setters! { @setter $field: $type; $(#[$attribute])* })*
        }
    };
    (@setter $field:ident: $type:ty;) => {
        $crate::config_setters! {
            @setter $field: $type;
            #[doc = concat!(
                "Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ")."
            )]
        }
    };
    (@setter $field:ident: $type:ty; $(#[$attribute:meta])+) => {
        $(#[$attribute])+
        #[must_use = "a setter returns the changed value"]
        pub fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    };
}
