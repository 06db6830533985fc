# An image of two static programs and nothing else: no shell, no libraries, no root.
#
#   docker build --tag lepta .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#       --volume lepta-socket:/run/lepta lepta
#
# `scripts/image` does the same, and also where no registry can be reached.

FROM docker.io/library/rust:1.95.0-slim-bookworm AS build
# The image's own, whatever else rust-toolchain.toml asks for.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /source
COPY . .
RUN scripts/image --stage /image

FROM scratch
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /image/run/lepta/ /run/lepta/
USER 65532:65532
ENV LEPTA_SOCKET=/run/lepta/lepta.sock LEPTA_LOG=json
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/bin/lepta", "healthcheck"]
ENTRYPOINT ["/usr/bin/lepta"]
CMD ["serve"]
