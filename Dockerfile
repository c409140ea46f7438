# payin-server and payin, in one image. As it is, it starts the sandbox; to take payments, give it `serve` and a configuration:
#
#   docker build --tag payin .
#   docker run --rm --publish 127.0.0.1:3000:3000 payin
#   docker run --rm --publish 127.0.0.1:3000:3000 --volume ./payin:/payin:ro payin serve --config /payin/payin-server.toml

# The version is rust-version in Cargo.toml. On Alpine programs are linked with musl, whole: they need no library of the image they run in.
FROM rust:1.95-alpine AS build
WORKDIR /payin
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/payin/target \
    cargo build --locked --release --package payin-server --package payin-cli \
    && mkdir /programs \
    && cp target/release/payin-server target/release/payin /programs/

# Not `scratch`: the health check wants a program that asks, outgoing TLS wants certificates, a sandbox wants a folder for its database.
FROM alpine:3.22
COPY --from=build /programs/ /usr/local/bin/
# Nobody in particular, by number, so that a cluster can see that it is not root. The programs are root's: they cannot change themselves.
USER 10001:10001
EXPOSE 3000
# Ready means that the database and every chain can be used. Another port in `listen` wants another health check.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/health/ready"]
ENTRYPOINT ["payin-server"]
CMD ["dev", "--listen", "0.0.0.0:3000"]
