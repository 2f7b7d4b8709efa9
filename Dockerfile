# The single executable on a small base: no Node, no packages, no shell needed to run.
#
#   docker build -t edgeward .
#   docker run --read-only --tmpfs /run/edgeward:uid=990,gid=990,mode=0755 \
#     -v edgeward:/var/lib/edgeward edgeward
#
# The configuration is /etc/edgeward/edgeward.toml and EDGEWARD_* variables. Listeners stay on 127.0.0.1
# unless told: -e EDGEWARD_AUTH_LISTEN=0.0.0.0:8480. The hub is in the same image: "… edgeward hub".
# With a reverse proxy: packaging/container/compose.yaml.

FROM node:24-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node packaging/executable/build.ts --out /build/edgeward

FROM debian:bookworm-slim
RUN groupadd --system --gid 990 edgeward \
 && useradd --system --uid 990 --gid edgeward --home-dir /var/lib/edgeward --shell /usr/sbin/nologin edgeward \
 && install -d -o edgeward -g edgeward -m 0700 \
      /var/lib/edgeward /var/lib/edgeward-hub /var/cache/edgeward \
 && install -d -o edgeward -g edgeward -m 0755 /run/edgeward \
 && install -d /etc/edgeward/sources.d
COPY --from=build /build/edgeward /usr/bin/edgeward
ENV NODE_OPTIONS=--no-node-snapshot \
    MALLOC_ARENA_MAX=2 \
    STATE_DIRECTORY=/var/lib/edgeward \
    RUNTIME_DIRECTORY=/run/edgeward \
    CACHE_DIRECTORY=/var/cache/edgeward \
    CONFIGURATION_DIRECTORY=/etc/edgeward
USER edgeward
# Says whether the image is whole, and unpacks the native parts, which a read-only container cannot.
RUN edgeward self-check
VOLUME /var/lib/edgeward
HEALTHCHECK --interval=1m --timeout=10s --start-period=30s CMD ["edgeward", "status", "--json"]
ENTRYPOINT ["edgeward"]
CMD ["run"]
