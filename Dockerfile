# State lives in the volume /var/lib/edgeward; the configuration is read from
# /etc/edgeward/edgeward.toml and EDGEWARD_* variables. Listeners stay on 127.0.0.1 unless told:
#   docker run -v edgeward:/var/lib/edgeward -e EDGEWARD_AUTH_LISTEN=0.0.0.0:8480 … edgeward
# The hub runs from the same image:
#   docker run -v edgeward-hub:/var/lib/edgeward … edgeward hub --state-dir /var/lib/edgeward

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The image brings its own Node; the copies for machines without one are left out.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-*

FROM node:24-bookworm-slim
WORKDIR /app
RUN groupadd --system edgeward \
 && useradd --system --gid edgeward --home-dir /var/lib/edgeward --shell /usr/sbin/nologin edgeward \
 && install -d -o edgeward -g edgeward -m 0700 /var/lib/edgeward
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json main.ts config.ts ./
COPY bin ./bin
COPY core ./core
COPY protocol ./protocol
COPY certs ./certs
COPY agent ./agent
COPY edge-auth ./edge-auth
COPY broker ./broker
COPY console ./console
COPY hub ./hub
COPY cli ./cli
USER edgeward
VOLUME /var/lib/edgeward
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s \
  CMD ["node", "bin/edgeward.js", "status", "--json", "--state-dir", "/var/lib/edgeward"]
ENTRYPOINT ["node", "bin/edgeward.js"]
CMD ["run", "--state-dir", "/var/lib/edgeward"]
